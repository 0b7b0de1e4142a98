// The map of a thread's memory. All threads' memories have the same map, so that one program, with one set of addresses,
// runs on all of them; each memory holds its own thread's rows.
//
// First fit with merging of neighbours. Addresses are numbers up to 2^32.
import { counted, formatBytes, MoeqError } from '@moeq/tensors';

export const pageBytes = 65536;

/** Memory grows by at least this much: growing stops all threads for a moment. */
const growthBytes = 16 * 1024 * 1024;

/** Of addresses and lengths: a cache line. Kernels may read up to a vector past the end of a block. */
const alignment = 64;

interface Free {
  address: number;
  bytes: number;
}

/** What an allocation of so many bytes takes. */
export function blockBytes(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / alignment)) * alignment + alignment;
}

export interface Memory {
  /** Makes every thread's memory so many pages long. @throws when one cannot be */
  grow(pages: number): void;
  /** Pages that a memory can have at most. */
  readonly maximumPages: number;
  readonly threads: number;
}

export class Heap {
  readonly #memory: Memory;
  readonly #free: Free[] = [];
  readonly #used = new Map<number, number>();
  /** Everything from here on has never been used. */
  #top: number;
  #pages: number;

  /** Bytes in use, the kernels' own included. */
  get used(): number {
    return this.#top - this.#free.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** @param start bytes at the beginning that belong to the kernels */
  constructor(memory: Memory, start: number) {
    this.#memory = memory;
    this.#top = start;
    this.#pages = start / pageBytes;
  }

  /**
   * Room in every thread's memory. Its contents are undefined.
   * @param bytes the most that one thread needs
   * @param subject for messages
   * @returns an address, a multiple of 64
   * @throws MoeqError when memory is short
   */
  allocate(bytes: number, subject: string): number {
    const size = blockBytes(bytes);
    const index = this.#free.findIndex((block) => block.bytes >= size);
    const block = this.#free[index];
    if (block === undefined) return this.#extend(size, subject);
    const { address } = block;
    if (block.bytes === size) this.#free.splice(index, 1);
    else {
      block.address += size;
      block.bytes -= size;
    }
    this.#used.set(address, size);
    return address;
  }

  free(address: number): void {
    const bytes = this.#used.get(address);
    if (bytes === undefined) return;
    this.#used.delete(address);
    let at = this.#free.findIndex((block) => block.address > address);
    if (at < 0) at = this.#free.length;
    this.#free.splice(at, 0, { address, bytes });
    this.#merge(at);
    if (at > 0) this.#merge(at - 1);
    const last = this.#free.at(-1);
    if (last !== undefined && last.address + last.bytes === this.#top) {
      this.#top = last.address;
      this.#free.pop();
    }
  }

  /** Joins a free block with the next one where they touch. */
  #merge(index: number): void {
    const block = this.#free[index];
    const next = this.#free[index + 1];
    if (block === undefined || next === undefined || block.address + block.bytes !== next.address) return;
    block.bytes += next.bytes;
    this.#free.splice(index + 1, 1);
  }

  #extend(size: number, subject: string): number {
    const address = this.#top;
    const end = address + size;
    const { maximumPages } = this.#memory;
    if (end > this.#pages * pageBytes) {
      const wanted = Math.ceil(end / pageBytes);
      const pages = Math.min(maximumPages, Math.max(wanted, this.#pages + growthBytes / pageBytes));
      if (wanted > maximumPages)
        throw this.#short(subject, `${formatBytes(maximumPages * pageBytes)} a thread at most`);
      try {
        this.#memory.grow(pages);
      } catch (cause) {
        throw this.#short(
          subject,
          `the system gives no more than ${formatBytes(this.#pages * pageBytes)} a thread`,
          cause,
        );
      }
      this.#pages = pages;
    }
    this.#top = end;
    this.#used.set(address, size);
    return address;
  }

  #short(subject: string, found: string, cause?: unknown): MoeqError {
    const { threads } = this.#memory;
    return new MoeqError({
      operation: 'hold in memory',
      subject,
      code: 'outOfMemory',
      expected: `room in the heaps of ${counted(threads, 'thread')}`,
      found,
      cause,
    });
  }
}
