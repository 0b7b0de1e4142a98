// The rules that a delta rule's shapes obey.
//
// Shapes: H heads, HK key heads, C key dimension, CV value dimension.
import type { StateCacheSpec } from '../resources.js';
import type { DeltaRuleSpec } from '../step.js';
import { assertGroupColumns, assertSize, mismatch } from './assert.js';

/** Columns of what a delta rule reads and gives. */
export interface DeltaRuleWidths {
  readonly qkv: number;
  readonly weights: number;
  readonly output: number;
}

/**
 * @param given columns of the activations
 * @throws MoeqError when the specification does not fit the cache or the activations
 */
export function deltaRuleWidths(
  { heads, keyHeads, keyDim, valueDim, decayPer, places }: DeltaRuleSpec,
  { parts, size }: StateCacheSpec,
  given: { readonly [Input in keyof DeltaRuleSpec['places']]: number },
): DeltaRuleWidths {
  const operation = 'apply the delta rule';
  if (!(keyHeads > 0 && heads > 0 && heads % keyHeads === 0))
    throw mismatch(operation, 'heads', `a multiple of the ${keyHeads} key heads`, `${heads}`);
  assertSize(operation, 'heads of the cache', heads, parts);
  assertSize(operation, 'numbers that the cache keeps of a head', keyDim * valueDim, size);
  const group = heads / keyHeads;
  const decays = decayPer === 'head' ? 1 : keyDim;
  const widths = { beta: group, decay: group * decays, gate: group * valueDim };
  for (const input of ['beta', 'decay', 'gate'] as const) {
    const columns = { ...places[input], width: widths[input] };
    assertGroupColumns(operation, `columns of ${input}`, columns, keyHeads, given[input]);
  }
  return {
    qkv: 2 * keyHeads * keyDim + heads * valueDim,
    weights: heads + heads * decays + valueDim,
    output: heads * valueDim,
  };
}
