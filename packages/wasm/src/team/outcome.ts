// An answer of the workers, awaited by the host.
import { MoeqError } from '@moeq/tensors';
import type { Failure } from './messages.js';

export class Outcome<Value> {
  #settle: { resolve: (value: Value) => void; reject: (error: unknown) => void } | null = null;

  /** A promise for the next answer. */
  wait(): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
    });
  }

  resolve(value: Value): void {
    this.#settle?.resolve(value);
    this.#settle = null;
  }

  reject(error: unknown): void {
    this.#settle?.reject(error);
    this.#settle = null;
  }
}

/** The error that a worker's failure is to the caller. */
export function failureError(failure: Failure): MoeqError {
  if (typeof failure !== 'string') return new MoeqError(failure);
  return new MoeqError({
    operation: 'run a program',
    subject: 'worker thread',
    expected: 'its end',
    found: failure,
  });
}
