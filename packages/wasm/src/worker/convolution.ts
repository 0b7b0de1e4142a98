// Convolution over states in slots: every thread has its share of the channels, and of the states.
//
// Shapes: T tokens, C channels, k taps, N channels of this thread.
import type { View } from '../abi/decode.js';
import { activations } from '../abi/enumerations.js';
import type { Instructions } from '../abi/instructions.js';
import { shareStart, splitsGroups } from '../share.js';
import type { Machine } from './machine.js';

type Operands = View<Instructions['convolution']>;

/** Channels of a thread that stand one beside the other. */
interface Share {
  readonly first: number;
  readonly count: number;
  /** Of those before them that the thread has: where their states begin. */
  readonly before: number;
}

export function convolution(machine: Machine, operands: Operands): void {
  for (const share of sharesOf(operands, machine)) convolveShare(machine, operands, share);
}

/** Those of the thread's groups in each part, or as many as other threads have. */
function sharesOf({ channels, groups, parts }: Operands, { thread, threads }: Machine): Share[] {
  const first = shareStart(channels, thread, threads);
  if (!splitsGroups(groups, threads))
    return [{ first, count: shareStart(channels, thread + 1, threads) - first, before: 0 }];
  const own = groups / threads;
  let [start, before] = [0, 0];
  return Array.from({ length: parts.count }, (_, part) => {
    const { width } = parts.at(part);
    const share = { first: start + thread * own * width, count: own * width, before };
    start += groups * width;
    before += share.count;
    return share;
  });
}

function convolveShare(
  { kernels, floats }: Machine,
  operands: Operands,
  { first, count: own, before }: Share,
): void {
  const { x, columns, channels, taps, gated, weight, bias, silu } = operands;
  const { stateStride, window, out, segments } = operands;
  if (own === 0) return;
  const part = gated ? 4 * channels : 0;
  const stateFloats = (taps - 1) * own;
  const states = operands.states + 4 * (taps - 1) * before;

  const runs = runsOf(operands, first, own);
  const weights = weight + 4 * taps * first;
  const step = 4 * columns;
  let row = 0;
  for (let segment = 0; segment < segments.count; segment++) {
    const { tokens, from, to } = segments.at(segment);
    if (from === 0) floats.fill(0, window / 4, window / 4 + stateFloats);
    else copy(floats, states + stateStride * (from - 1), window, stateFloats);
    const source = x + step * row;
    const inputs = window + 4 * stateFloats;
    for (const { column, channel, count } of runs)
      kernels.fillWindow(source + 4 * column, step, part, inputs + 4 * channel, 4 * own, tokens, count);
    const target = out + 4 * (channels * row + first);
    kernels.convolve(
      source + 4 * first,
      step,
      part,
      weights,
      taps,
      window,
      tokens,
      own,
      target,
      4 * channels,
    );
    for (let t = 0; t < tokens; t++) {
      const sums = target + 4 * channels * t;
      if (bias !== 0) kernels.add(sums, bias + 4 * first, 1, sums, own);
      if (silu) kernels.activate(sums, activations.silu, 1, Infinity, Infinity, own);
    }
    copy(floats, window + 4 * own * tokens, states + stateStride * to, stateFloats);
    row += tokens;
  }
}

/** Columns of x that stand one beside the other, and the first channel of this thread that they are. */
interface Run {
  readonly column: number;
  readonly channel: number;
  readonly count: number;
}

/** Those of `own` channels from `first` on. */
function runsOf({ groups, parts }: Operands, first: number, own: number): Run[] {
  const runs: Run[] = [];
  let start = 0;
  for (let part = 0; part < parts.count; part++) {
    const { at, stride, width } = parts.at(part);
    for (let group = 0; group < groups; group++, start += width) {
      const from = Math.max(start, first);
      const count = Math.min(start + width, first + own) - from;
      if (count > 0) runs.push({ column: at + stride * group + from - start, channel: from - first, count });
    }
  }
  return runs;
}

function copy(floats: Float32Array, from: number, to: number, length: number): void {
  floats.copyWithin(to / 4, from / 4, from / 4 + length);
}
