// Prepares requests in a thread that has the model's tokenizer and chat template of its own: no request holds up the
// answers to others, however long it takes to read.
import { Worker } from 'node:worker_threads';
import { MoeqError } from '@moeq/tensors';
import { ApiError } from './api-error.js';
import type { Kind, Preparations, Rules } from './prepare.js';
import type { RequestReader } from './reader.js';
import type { FromThread, ThreadModel, ToThread } from './thread-messages.js';

interface Waiting {
  readonly resolve: (prepared: ReturnType<Preparations[Kind]>) => void;
  readonly reject: (error: unknown) => void;
}

export interface TextThreadOptions extends ThreadModel {
  /** The built worker, where it does not lie beside this file. */
  readonly script?: URL | undefined;
}

export class TextThread implements RequestReader, AsyncDisposable {
  readonly #model: ThreadModel;
  readonly #script: URL;
  readonly #waiting = new Map<number, Waiting>();
  #worker: Worker | null;
  #last = 0;

  constructor({ script = new URL('./text-worker.js', import.meta.url), ...model }: TextThreadOptions) {
    this.#model = model;
    this.#script = script;
    this.#worker = this.#start();
  }

  /** Requests that it has not answered yet. */
  get pending(): number {
    return this.#waiting.size;
  }

  prepare<Of extends Kind>(kind: Of, body: ArrayBuffer, rules: Rules): Promise<ReturnType<Preparations[Of]>> {
    this.#worker ??= this.#start();
    const worker = this.#worker;
    this.#last += 1;
    const message: ToThread = { id: this.#last, kind, body, rules };
    return new Promise((resolve, reject) => {
      this.#waiting.set(message.id, { resolve: resolve as Waiting['resolve'], reject });
      worker.postMessage(message, [body]);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker?.terminate();
  }

  #start(): Worker {
    const worker = new Worker(this.#script, { workerData: this.#model, name: 'prompts' });
    worker.unref();
    worker.on('message', (reply: FromThread) => this.#take(reply));
    // It has failed to open the model, or run out of memory: the next request starts another.
    worker.on('error', (error) => this.#fail(worker, error));
    worker.on('exit', () => this.#fail(worker, new Error('the thread for prompts has ended')));
    return worker;
  }

  #take(reply: FromThread): void {
    const waiting = this.#waiting.get(reply.id);
    this.#waiting.delete(reply.id);
    if ('prepared' in reply) waiting?.resolve(reply.prepared);
    else if ('refusal' in reply) waiting?.reject(new ApiError(reply.refusal));
    else {
      const { failure } = reply;
      waiting?.reject(typeof failure === 'string' ? new Error(failure) : new MoeqError(failure));
    }
  }

  #fail(worker: Worker, error: unknown): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
