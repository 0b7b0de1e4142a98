import { describe, expect, test } from 'vitest';
import { readAhead } from './read-ahead.js';

describe('reading ahead', () => {
  test('gives all values in order, one read at a time, the next one begun before a value is used', async () => {
    const events: string[] = [];
    let reading = 0;
    const read = async (index: number) => {
      expect(++reading).toBe(1);
      events.push(`read ${index}`);
      await new Promise((resolve) => setTimeout(resolve, 1));
      reading--;
      return 10 * index;
    };
    for await (const [index, value] of readAhead(3, read)) events.push(`use ${index}: ${value}`);
    expect(events).toEqual(['read 0', 'read 1', 'use 0: 0', 'read 2', 'use 1: 10', 'use 2: 20']);
  });

  test('gives nothing of nothing', async () => {
    const all: unknown[] = [];
    for await (const each of readAhead(0, async () => 1)) all.push(each);
    expect(all).toEqual([]);
  });

  test('fails when the turn of what failed comes', async () => {
    const used: number[] = [];
    const run = async () => {
      const read = async (index: number) => {
        if (index === 1) throw new Error('no expert 1');
        return index;
      };
      for await (const [index] of readAhead(3, read)) {
        used.push(index);
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
    };
    await expect(run()).rejects.toThrow('no expert 1');
    expect(used).toEqual([0]);
  });

  test('leaves no rejection behind when its user stops first', async () => {
    const unhandled: unknown[] = [];
    const note = (reason: unknown) => unhandled.push(reason);
    process.on('unhandledRejection', note);
    for await (const _ of readAhead(2, async (index) => (index === 1 ? Promise.reject(new Error()) : index)))
      break;
    await new Promise((resolve) => setTimeout(resolve, 5));
    process.off('unhandledRejection', note);
    expect(unhandled).toEqual([]);
  });
});
