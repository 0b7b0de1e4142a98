// A memory that threads share, with as much room to grow as the engine gives.

/** 4 GiB, and what to try where the engine has no address space for it. */
const maximumPages = [65536, 32768, 16384, 4096] as const;

export interface SharedMemory {
  readonly memory: WebAssembly.Memory;
  /** Pages that it can have at most. */
  readonly maximum: number;
}

export function sharedMemory(initial: number): SharedMemory {
  let refused: unknown;
  for (const maximum of maximumPages) {
    try {
      return { memory: new WebAssembly.Memory({ initial, maximum, shared: true }), maximum };
    } catch (error) {
      refused = error;
    }
  }
  throw refused;
}
