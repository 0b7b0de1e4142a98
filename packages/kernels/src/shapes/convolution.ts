// The rules that a convolution's shapes obey.
//
// Shapes: C channels.
import type { StateCacheSpec } from '../resources.js';
import type { ConvolutionSpec } from '../step.js';
import { assertColumns, assertGroupColumns, assertSize, mismatch } from './assert.js';

/**
 * C, the channels of a convolution.
 * @param given columns of the activations
 * @throws MoeqError when the specification does not fit the cache or the activations
 */
export function convolutionChannels(
  { taps, gated, first, bias, silu, columns }: ConvolutionSpec,
  { parts: channels, size }: StateCacheSpec,
  given: number,
): number {
  if (gated && (first !== undefined || bias !== undefined || silu === true || columns !== undefined))
    throw mismatch('convolve', 'gates', 'no choice of columns, bias or silu beside them', 'one');
  if (!Number.isSafeInteger(taps) || taps < 2)
    throw mismatch('convolve', 'taps', 'an integer of at least 2', `${taps}`);
  assertSize('convolve', 'inputs that the cache keeps', taps - 1, size);
  const whole = gated ? 3 * channels : channels;
  if (columns === undefined && first === undefined)
    assertSize('convolve', 'columns of the activations', whole, given);
  else if (columns === undefined)
    assertColumns('convolve', 'columns of the activations', first ?? 0, whole, given);
  if (columns === undefined) return channels;
  if (first !== undefined)
    throw mismatch('convolve', 'columns of channels', 'a choice or a first one', 'both');
  const { groups, parts } = columns;
  for (const part of parts) assertGroupColumns('convolve', 'columns of channels', part, groups, given);
  const chosen = parts.reduce((sum, { width }) => sum + groups * width, 0);
  assertSize('convolve', 'columns of channels', channels, chosen);
  return channels;
}
