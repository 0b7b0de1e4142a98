// A model that a backend cannot hold, known before a weight is read.
import type { Backend, LoadPlan, MemoryNeed } from '@moeq/kernels';
import { counted, formatBytes, isMoeqError, MoeqError } from '@moeq/tensors';

export class MemoryError extends MoeqError {
  override readonly name: string = 'MemoryError';
  readonly need: MemoryNeed;
  readonly #model: { readonly name: string };

  constructor(model: { readonly name: string }, need: MemoryNeed) {
    const { unit, units, largest, limit, cacheBytes, bytes } = need;
    const cache = `, ${formatBytes(cacheBytes)} of it the KV cache`;
    super({
      code: 'doesNotFit',
      operation: 'load a model',
      subject: model.name,
      expected:
        unit === 'thread'
          ? `at most ${formatBytes(limit)} in the memory of each of ${counted(units, 'thread')}`
          : `buffers of at most ${formatBytes(limit)}`,
      found:
        unit === 'thread'
          ? `${formatBytes(largest)} each, ${formatBytes(bytes)} in all${cache}`
          : `one of ${formatBytes(largest)}, of ${formatBytes(bytes)} in all${cache}`,
    });
    this.need = need;
    this.#model = model;
  }

  /** Whether it is for this one of several models, which may have one name. */
  concerns(model: object): boolean {
    return this.#model === model;
  }

  static override isInstance(value: unknown): value is MemoryError {
    return isMoeqError(value, 'doesNotFit') && 'need' in value;
  }
}

/** @throws MemoryError when the backend can never hold the plan; where headers leave something open, not for that part */
export function assertFits(model: { readonly name: string }, backend: Backend, plan: LoadPlan): void {
  const need = backend.memoryFor?.(plan);
  if (need !== undefined && need.largest > need.limit) throw new MemoryError(model, need);
}
