// A model that a backend cannot hold, known before a weight is read.
import type { Backend, LoadPlan, MemoryNeed } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';

export class MemoryError extends MoeqError {
  override readonly name: string = 'MemoryError';
  readonly need: MemoryNeed;

  /** @param subject the model */
  constructor(subject: string, need: MemoryNeed) {
    const { unit, units, largest, limit, cacheBytes, bytes } = need;
    const cache = `, ${gigabytes(cacheBytes)} of it the KV cache`;
    super({
      code: 'doesNotFit',
      operation: 'load a model',
      subject,
      expected:
        unit === 'thread'
          ? `at most ${gigabytes(limit)} in the memory of each of ${units} ${units === 1 ? 'thread' : 'threads'}`
          : `buffers of at most ${gigabytes(limit)}`,
      found:
        unit === 'thread'
          ? `${gigabytes(largest)} each, ${gigabytes(bytes)} in all${cache}`
          : `one of ${gigabytes(largest)}, of ${gigabytes(bytes)} in all${cache}`,
    });
    this.need = need;
  }
}

/** @throws MemoryError when the backend can never hold the plan; where headers leave something open, not for that part */
export function assertFits(model: string, backend: Backend, plan: LoadPlan): void {
  const need = backend.memoryFor?.(plan);
  if (need !== undefined && need.largest > need.limit) throw new MemoryError(model, need);
}

function gigabytes(bytes: number): string {
  return `${(bytes / 1e9).toFixed(2)} GB`;
}
