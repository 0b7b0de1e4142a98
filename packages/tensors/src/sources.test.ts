import { describe, expect, test } from 'vitest';
import type { ByteSource } from './byte-source.js';
import { blobSource, memorySource } from './sources.js';

const bytes = Uint8Array.from({ length: 50 }, (_, i) => i);
const made: [string, ByteSource][] = [
  ['memorySource', memorySource('m', bytes.subarray())],
  ['memorySource of a Buffer', memorySource('m', Buffer.from(bytes))],
  ['blobSource', blobSource('m', new Blob([bytes]))],
];

describe.each(made)('%s', (_, source) => {
  test('reads exactly the range, aligned and of its own', async () => {
    expect(source.size).toBe(50);
    const read = await source.read(13, 7);
    expect(read).toEqual(bytes.subarray(13, 20));
    expect(read.byteOffset % 8).toBe(0);
    read.fill(0xee);
    expect(await source.read(13, 7)).toEqual(bytes.subarray(13, 20));
    expect(await source.read(50, 0)).toHaveLength(0);
  });

  test.each([
    [45, 6],
    [51, 0],
    [-1, 2],
    [0, -1],
    [0.5, 1],
    [0, Number.NaN],
    [2 ** 53, 1],
  ])('refuses %d, %d', async (offset, length) => {
    await expect(source.read(offset, length)).rejects.toThrow(/^m: cannot read .* found 50 bytes in total$/);
  });

  test('stops when aborted', async () => {
    await expect(source.read(0, 1, AbortSignal.abort())).rejects.toThrow(/abort/);
  });
});

test('a Blob that can no longer be read is a MoeqError', async () => {
  const gone = {
    size: 5,
    slice: () => ({ arrayBuffer: () => Promise.reject(new Error('NotReadableError')) }),
  };
  const source = blobSource('gone', gone as unknown as Blob);
  await expect(source.read(0, 1)).rejects.toThrow(
    'gone: cannot read 1 bytes at 0: expected a readable file, found NotReadableError',
  );
  const short = { size: 5, slice: () => ({ arrayBuffer: () => Promise.resolve(new ArrayBuffer(0)) }) };
  await expect(blobSource('short', short as unknown as Blob).read(0, 1)).rejects.toThrow(/found 0 bytes/);
});
