import { describe, expect, test } from 'vitest';
import { WebGpuError } from '../errors.js';
import { Memory, usage } from './memory.js';

/** A device without a GPU: buffers are numbers, and `room` bytes are all it has. */
function fakeDevice(room: number): GPUDevice {
  let used = 0;
  let short = false;
  return {
    limits: { maxStorageBufferBindingSize: 1024, maxBufferSize: 4096 },
    createBuffer({ size, label }: GPUBufferDescriptor) {
      used += size;
      if (used > room) short = true;
      return { size, label, destroy: () => (used -= size) };
    },
    pushErrorScope: () => {
      short = false;
    },
    popErrorScope: async () => (short ? { message: 'no room' } : null),
  } as unknown as GPUDevice;
}

describe('Memory', () => {
  test('gives a pooled buffer again where its size is needed', () => {
    const memory = new Memory(fakeDevice(1e6));
    const first = memory.take('a', 300);
    expect(first.size).toBe(512);
    const second = memory.take('b', 512);
    expect(second).not.toBe(first);
    memory.give(first);
    expect(memory.take('c', 257)).toBe(first);
    expect(memory.counts).toEqual({ created: 2, live: 2, bytes: 1024, peakBytes: 1024 });
    memory.give(second);
    expect(memory.counts).toMatchObject({ live: 2, bytes: 1024 });
    memory.destroyAll();
    expect(memory.counts).toMatchObject({ live: 0, bytes: 0, peakBytes: 1024 });
  });

  test('refuses what one binding cannot hold, by name', () => {
    const memory = new Memory(fakeDevice(1e6));
    expect(() => memory.create('logits', 1025, usage.storage)).toThrow(
      /logits.*at most the 1\.02 kB.*found 1\.04 kB/s,
    );
  });

  test('says how much was needed and in use when the device has no room', async () => {
    const memory = new Memory(fakeDevice(1500));
    memory.create('first', 1024, usage.storage);
    const error: unknown = await memory
      .guarded('experts', 600, () => memory.create('experts', 600, usage.storage))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(WebGpuError);
    expect((error as WebGpuError).code).toBe('outOfMemory');
    expect((error as Error).message).toContain('room for 600 B beside the 1.02 kB in use');
  });
});
