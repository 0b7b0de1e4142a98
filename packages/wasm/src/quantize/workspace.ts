// A workspace in a thread's memory for one job after the other: filled and read by the host, worked in by the thread.
import { layoutOf } from './layout.js';
import type { Job, Summary } from './messages.js';
import type { Thread } from './thread.js';

/** Results of a job by their offsets in its layout; the workspace may hold them only until it is opened again. */
export interface Results {
  bytes(offset: number, length: number): Uint8Array;
  floats(offset: number, length: number): Float32Array;
}

export class Workspace {
  readonly #thread: Thread;
  #address = 0;
  #size = 0;

  constructor(thread: Thread) {
    this.#thread = thread;
  }

  /**
   * Makes the workspace large enough for the job; what was in it is lost.
   * @returns where its input belongs
   * @throws MoeqError when memory is short
   */
  open(job: Job): Uint8Array {
    const { heap, memory } = this.#thread;
    const { inputBytes, end } = layoutOf(job);
    if (this.#size < end) {
      this.close();
      this.#address = heap.allocate(end, 'weights to be quantized');
      this.#size = end;
    }
    return memory === null
      ? new Uint8Array(inputBytes)
      : new Uint8Array(memory.buffer, this.#address, inputBytes);
  }

  /**
   * @param input what `open` gave for this job
   * @throws MoeqError when the thread fails or is stopped
   */
  async run(job: Job, input: Uint8Array): Promise<{ summary: Summary; results: Results }> {
    const { memory } = this.#thread;
    if (memory !== null) {
      const { summary } = await this.#thread.run(job, this.#address, null);
      return { summary, results: resultsAt(memory.buffer, this.#address) };
    }
    const { summary, results } = await this.#thread.run(job, this.#address, input);
    return { summary, results: resultsAt(results.buffer, results.byteOffset - layoutOf(job).codes) };
  }

  close(): void {
    this.#thread.heap.free(this.#address);
    this.#size = 0;
  }
}

function resultsAt(buffer: ArrayBufferLike, start: number): Results {
  return {
    bytes: (offset, length) => new Uint8Array(buffer, start + offset, length),
    floats: (offset, length) => new Float32Array(buffer, start + offset, length),
  };
}
