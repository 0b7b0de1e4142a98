// Threads that quantize, and the jobs that are with them. Started with the first job; an idle one holds no process open.
import { MoeqError } from '@moeq/tensors';
import { quantizeScript } from '../generated/quantize-script.js';
import type { SimdLevel } from '../kernel-module.js';
import { spawnWorker, type WorkerLink } from '../team/spawn.js';
import { compileQuantizeKernels } from './kernels.js';
import type { FromWorker, Job, Results, ToWorker } from './messages.js';

interface Waiting {
  resolve(result: Results[Job['kind']]): void;
  reject(error: unknown): void;
}

interface Thread {
  readonly link: WorkerLink<ToWorker, FromWorker>;
  readonly waiting: Map<number, Waiting>;
}

export class Pool {
  readonly #count: number;
  readonly #simd: SimdLevel;
  #threads: Promise<Thread[]> | null = null;
  #jobs = 0;
  #closed = false;

  constructor(threads: number, simd: SimdLevel) {
    this.#count = threads;
    this.#simd = simd;
  }

  /**
   * Runs a job on the thread with the fewest.
   * @param transfer buffers that the job takes with it
   * @throws MoeqError when the thread fails or the pool is closed
   */
  async run<Kind extends Job['kind']>(
    job: Extract<Job, { kind: Kind }>,
    transfer: readonly ArrayBuffer[],
  ): Promise<Results[Kind]> {
    if (this.#closed) throw failure('an encoder that has been closed');
    this.#threads ??= this.#start();
    const threads = await this.#threads;
    const thread = threads.reduce((a, b) => (b.waiting.size < a.waiting.size ? b : a));
    const id = this.#jobs++;
    return new Promise((resolve, reject) => {
      thread.waiting.set(id, { resolve: (result) => resolve(result as Results[Kind]), reject });
      thread.link.hold(true);
      thread.link.post({ kind: 'job', id, job }, transfer);
    });
  }

  async #start(): Promise<Thread[]> {
    const module = await compileQuantizeKernels(this.#simd);
    return Array.from({ length: this.#count }, () => startThread(module));
  }

  async close(): Promise<void> {
    this.#closed = true;
    const threads = (await this.#threads?.catch(() => null)) ?? [];
    for (const thread of threads) rejectAll(thread, failure('an encoder that has been closed'));
    await Promise.all(threads.map(({ link }) => link.terminate()));
  }
}

function startThread(module: WebAssembly.Module): Thread {
  const link = spawnWorker<ToWorker, FromWorker>(quantizeScript, 'moeq quantize');
  const thread: Thread = { link, waiting: new Map() };
  link.onMessage((message) => {
    const waiting = thread.waiting.get(message.id);
    thread.waiting.delete(message.id);
    if (thread.waiting.size === 0) link.hold(false);
    if (message.kind === 'failed') waiting?.reject(failure(message.failure));
    else waiting?.resolve(message.result);
  });
  link.onError((error) => rejectAll(thread, failure(String(error))));
  link.post({ kind: 'start', module });
  return thread;
}

function rejectAll({ waiting }: Thread, error: unknown): void {
  for (const { reject } of waiting.values()) reject(error);
  waiting.clear();
}

function failure(found: string): MoeqError {
  return new MoeqError({ operation: 'quantize', subject: 'worker thread', expected: 'its result', found });
}
