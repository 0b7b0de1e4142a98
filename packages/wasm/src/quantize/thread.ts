// A thread that quantizes: the jobs that are with it, and the map of its memory, which is the host's to lay out.
import { MoeqError } from '@moeq/tensors';
import { Heap, pageBytes } from '../heap.js';
import type { WorkerLink } from '../team/link.js';
import { sharedMemory } from '../team/shared-memory.js';
import { spawnWorker, type WorkerSource } from '../team/spawn.js';
import { heapStart } from './kernels.js';
import type { FromWorker, Job, Summary, ToWorker } from './messages.js';
import { serveQuantize } from './serve.js';

export interface Done {
  readonly summary: Summary;
  /** A copy of the results, where the input came with the job. */
  readonly results: Uint8Array;
}

interface Waiting {
  resolve(done: Done): void;
  reject(error: unknown): void;
}

export class Thread {
  readonly heap: Heap;
  /** Shared with the worker; null: it has one of its own, of which the host keeps only the map. */
  readonly memory: WebAssembly.Memory | null;
  readonly #link: WorkerLink<ToWorker, FromWorker>;
  readonly #waiting = new Map<number, Waiting>();
  #jobs = 0;
  #end: MoeqError | null = null;

  /** An idle one holds no process open. */
  constructor(module: WebAssembly.Module, shared: boolean, worker: WorkerSource) {
    const { memory, maximum } = shared
      ? sharedMemory(heapStart / pageBytes)
      : { memory: null, maximum: 65536 };
    this.memory = memory;
    // a page more than the heap asks for: kernels read past the ends of what they are given
    const grow = (pages: number) => void memory?.grow(pages + 1 - memory.buffer.byteLength / pageBytes);
    this.heap = new Heap({ threads: 1, maximumPages: maximum - 1, grow }, heapStart);
    this.#link = spawnWorker<ToWorker, FromWorker>(worker, 'moeq quantize', serveQuantize);
    this.#link.onMessage((message) => this.#receive(message));
    this.#link.onError((error) => this.#fail(error));
    this.#link.post({ kind: 'startQuantizing', module, memory });
  }

  /** @throws MoeqError when the thread fails or is stopped */
  run(job: Job, workspace: number, input: Uint8Array | null): Promise<Done> {
    if (this.#end !== null) return Promise.reject(this.#end);
    const id = this.#jobs++;
    const transfer = input?.buffer instanceof ArrayBuffer ? [input.buffer] : [];
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#link.keepAlive(true);
      this.#link.post({ kind: 'job', id, job, workspace, input }, transfer);
    });
  }

  async stop(): Promise<void> {
    this.#fail(closed());
    await this.#link.terminate();
  }

  #receive(message: FromWorker): void {
    const waiting = this.#waiting.get(message.id);
    this.#waiting.delete(message.id);
    if (this.#waiting.size === 0) this.#link.keepAlive(false);
    if (message.kind === 'failed') waiting?.reject(failure(message.failure));
    else waiting?.resolve(message);
  }

  #fail(error: MoeqError): void {
    this.#end ??= error;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}

export function closed(): MoeqError {
  return failure('an encoder that has been closed');
}

function failure(found: string): MoeqError {
  return new MoeqError({ operation: 'quantize', subject: 'worker thread', expected: 'its result', found });
}
