// Memory for jobs, used again and again: slots for strips, a bounded number of them, first come, first served; and records
// of whole matrices.
import { newMemory } from './memory.js';

/** For one strip: its bytes, and its results. */
export interface Slot {
  data: ArrayBufferLike;
  room: ArrayBufferLike;
}

/** Matrices whose records are kept at the same time are few. */
const MAX_SPARE = 4;

export class Slots {
  readonly #shared: boolean;
  readonly #spare: ArrayBufferLike[] = [];
  readonly #free: Slot[];
  readonly #waiting: ((slot: Slot) => void)[] = [];

  /** @param shared whether memory may be shared with workers */
  constructor(count: number, shared: boolean) {
    this.#shared = shared;
    this.#free = Array.from({ length: count }, () => ({
      data: newMemory(0, shared),
      room: newMemory(0, shared),
    }));
  }

  /** Memory of at least so many bytes, until it is given back; what was in it may still be. */
  take(bytes: number): ArrayBufferLike {
    const index = this.#spare.findIndex(({ byteLength }) => byteLength >= bytes);
    const [found] = index < 0 ? [] : this.#spare.splice(index, 1);
    return found ?? newMemory(bytes, this.#shared);
  }

  give(memory: ArrayBufferLike): void {
    // what went to a worker for good has no bytes any more
    if (memory.byteLength > 0) this.#spare.push(memory);
    if (this.#spare.length > MAX_SPARE) this.#spare.shift();
  }

  /**
   * Runs the action when a slot is free, with as much memory as that. Memory that it gives away it puts back.
   * @throws what it throws
   */
  async use<T>(dataBytes: number, roomBytes: number, action: (slot: Slot) => Promise<T>): Promise<T> {
    const slot = this.#free.pop() ?? (await new Promise<Slot>((resolve) => void this.#waiting.push(resolve)));
    try {
      // also anew where an error left it with a worker: it has no bytes then
      if (slot.data.byteLength < dataBytes) slot.data = newMemory(dataBytes, this.#shared);
      if (slot.room.byteLength < roomBytes) slot.room = newMemory(roomBytes, this.#shared);
      return await action(slot);
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#free.push(slot);
      else next(slot);
    }
  }
}
