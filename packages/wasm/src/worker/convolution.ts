// Convolution over states in slots: every thread has its share of the channels, and of the states.
//
// Shapes: T tokens, C channels, k taps, N channels of this thread.
import type { View } from '../abi/decode.js';
import { activations } from '../abi/enumerations.js';
import type { Instructions } from '../abi/instructions.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';

export function convolution(
  { kernels, floats, thread, threads }: Machine,
  operands: View<Instructions['convolution']>,
): void {
  const { x, columns, channels, taps, gated, weight, bias, silu } = operands;
  const { states, stateStride, window, out, segments } = operands;
  const first = shareStart(channels, thread, threads);
  const own = shareStart(channels, thread + 1, threads) - first;
  if (own === 0) return;
  const part = gated ? 4 * channels : 0;
  const stateFloats = (taps - 1) * own;

  const weights = weight + 4 * taps * first;
  let row = 0;
  for (let segment = 0; segment < segments.count; segment++) {
    const { tokens, from, to } = segments.at(segment);
    if (from === 0) floats.fill(0, window / 4, window / 4 + stateFloats);
    else copy(floats, states + stateStride * (from - 1), window, stateFloats);
    const source = x + 4 * (columns * row + first);
    const target = out + 4 * (channels * row + first);
    kernels.convolve(source, 4 * columns, part, weights, taps, window, tokens, own, target, 4 * channels);
    for (let t = 0; t < tokens; t++) {
      const sums = target + 4 * channels * t;
      if (bias !== 0) kernels.add(sums, bias + 4 * first, 1, sums, own);
      if (silu) kernels.activate(sums, activations.silu, 1, Infinity, Infinity, own);
    }
    copy(floats, window + 4 * own * tokens, states + stateStride * to, stateFloats);
    row += tokens;
  }
}

function copy(floats: Float32Array, from: number, to: number, length: number): void {
  floats.copyWithin(to / 4, from / 4, from / 4 + length);
}
