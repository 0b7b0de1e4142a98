import type { MemoryNeed } from '@moeq/kernels';
import { isMoeqError, MoeqError } from '@moeq/tensors';
import { expect, test } from 'vitest';
import { MemoryError } from './memory-error.js';

const need: MemoryNeed = {
  unit: 'thread',
  units: 2,
  largest: 6e9,
  limit: 4e9,
  cacheBytes: 1e9,
  bytes: 12e9,
};

test('of two models with one name the error knows which it is for', () => {
  const [model, baseline] = [{ name: 'model' }, { name: 'model' }];
  const error = new MemoryError(baseline, need);
  expect(error.message).toBe(
    'model: cannot load a model: expected at most 4.00 GB in the memory of each of 2 threads, found 6.00 GB each, 12.0 GB in all, 1.00 GB of it the KV cache',
  );
  expect([error.concerns(model), error.concerns(baseline)]).toEqual([false, true]);
});

test('it is known by its code and its need, not by its class', () => {
  const error = new MemoryError({ name: 'model' }, need);
  expect(isMoeqError(error, 'doesNotFit')).toBe(true);
  expect(MemoryError.isInstance(error)).toBe(true);
  expect(MemoryError.isInstance(Object.assign(new MoeqError(error.facts), { need }))).toBe(true);
  expect(MemoryError.isInstance(new MoeqError(error.facts))).toBe(false);
});
