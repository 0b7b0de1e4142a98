// The rules that the shapes of a selective scan obey.
//
// Shapes: T tokens, H heads, P numbers of a head, N numbers of a state, G groups.
import type { StateCacheSpec } from '../resources.js';
import type { ScanSpec } from '../step.js';
import { assertSize, mismatch } from './assert.js';

/** Columns of a selective scan, and numbers of its parameters. */
export interface ScanWidths {
  /** H P */
  readonly inner: number;
  /** 2 G N */
  readonly bc: number;
  /** Decays, then biases, then factors on the inputs. */
  readonly parameters: number;
}

/**
 * How wide the operands of a selective scan are.
 * @throws MoeqError when the specification does not fit the cache, or contradicts itself
 */
export function scanWidths(spec: ScanSpec, cache: StateCacheSpec): ScanWidths {
  const { heads, headDim, stateDim, groups, decays, leastTimeStep, largestTimeStep } = spec;
  for (const [name, size] of Object.entries({ heads, headDim, stateDim, groups }))
    if (!Number.isSafeInteger(size) || size < 1)
      throw mismatch('scan', name, 'a positive integer', `${size}`);
  if (heads % groups !== 0)
    throw mismatch('scan', 'groups', `a number that divides ${heads} heads`, `${groups}`);
  if (!(leastTimeStep >= 0 && leastTimeStep <= largestTimeStep))
    throw mismatch(
      'scan',
      'time steps',
      'limits from 0 on, in order',
      `${leastTimeStep} and ${largestTimeStep}`,
    );
  assertSize('scan', 'heads that the cache keeps states of', heads, cache.parts);
  assertSize('scan', 'numbers of a state in the cache', headDim * stateDim, cache.size);
  return {
    inner: heads * headDim,
    bc: 2 * groups * stateDim,
    parameters: heads * (decays === 'head' ? 1 : stateDim) + 2 * heads,
  };
}
