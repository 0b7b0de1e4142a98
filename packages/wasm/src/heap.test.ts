import { MoeqError } from '@moeq/tensors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Heap, type Memory } from './heap.js';

const pageBytes = 65536;

const memory = (maximumPages = 65536): Memory & { pages: number } => ({
  pages: 1,
  maximumPages,
  threads: 2,
  grow(pages) {
    expect(pages).toBeGreaterThan(this.pages);
    expect(pages).toBeLessThanOrEqual(maximumPages);
    this.pages = pages;
  },
});

describe('heap', () => {
  test('blocks in use never overlap, lie behind the start and inside the memory, whatever is freed when', () => {
    fc.assert(
      fc.property(
        fc.array(fc.record({ bytes: fc.integer({ min: 0, max: 5000 }), free: fc.nat(10) }), {
          maxLength: 200,
        }),
        (actions) => {
          const grown = memory();
          const heap = new Heap(grown, pageBytes);
          const used: { address: number; end: number }[] = [];
          for (const { bytes, free } of actions) {
            const gone = free < used.length ? used.splice(free, 1)[0] : undefined;
            if (gone !== undefined) heap.free(gone.address);
            const address = heap.allocate(bytes, 'test');
            expect(address % 64).toBe(0);
            expect(address).toBeGreaterThanOrEqual(pageBytes);
            expect(address + bytes).toBeLessThanOrEqual(grown.pages * pageBytes);
            for (const other of used)
              expect(address >= other.end || address + bytes <= other.address).toBe(true);
            used.push({ address, end: address + bytes });
          }
        },
      ),
    );
  });

  test('what is freed is used again, neighbours as one', () => {
    const heap = new Heap(memory(), pageBytes);
    const blocks = [heap.allocate(1000, 'a'), heap.allocate(1000, 'b'), heap.allocate(1000, 'c')];
    const last = heap.allocate(64, 'last');
    for (const index of [0, 2, 1]) heap.free(blocks[index] as number);
    expect(heap.allocate(3000, 'all three')).toBe(blocks[0]);
    heap.free(last);
    heap.free(blocks[0] as number);
    heap.free(blocks[0] as number);
    expect(heap.allocate(1, 'first')).toBe(blocks[0]);
  });

  test('says what is short, and what helps', () => {
    const heap = new Heap(memory(16), pageBytes);
    heap.allocate(10 * pageBytes, 'weights');
    const error = catchError(() => heap.allocate(6 * pageBytes, 'KV cache'));
    expect(MoeqError.isInstance(error)).toBe(true);
    expect(String(error)).toMatch(/KV cache: cannot hold in memory: expected room in the heaps of 2 threads/);
    heap.allocate(4 * pageBytes, 'what still fits');
  });

  test('a system that gives no memory is an error of one sentence', () => {
    const refusing: Memory = {
      maximumPages: 65536,
      threads: 1,
      grow: () => {
        throw new RangeError('no');
      },
    };
    const error = catchError(() => new Heap(refusing, pageBytes).allocate(1, 'weights'));
    expect(MoeqError.isInstance(error)).toBe(true);
    expect((error as Error).cause).toBeInstanceOf(RangeError);
  });
});

function catchError(work: () => unknown): unknown {
  try {
    work();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}
