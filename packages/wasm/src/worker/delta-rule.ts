// The gated delta rule over states in slots: every thread has its share of the heads, and of the states.
//
// Shapes: T tokens, H heads, HK key heads, C key dimension, CV value dimension.
import type { View } from '../abi/decode.js';
import type { Instructions } from '../abi/instructions.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';

type Operands = View<Instructions['deltaRule']>;

export function deltaRule(machine: Machine, operands: Operands): void {
  const { floats, thread, threads } = machine;
  const { heads, keyDim, valueDim, states, stateStride, segments } = operands;
  const first = shareStart(heads, thread, threads);
  const end = shareStart(heads, thread + 1, threads);
  const size = keyDim * valueDim;
  for (let head = first; head < end; head++) {
    const own = states + 4 * size * (head - first);
    let row = 0;
    for (let segment = 0; segment < segments.count; segment++) {
      const { tokens, from, to } = segments.at(segment);
      const target = own + stateStride * to;
      if (from === 0) floats.fill(0, target / 4, target / 4 + size);
      const source = from === 0 ? target : own + stateStride * (from - 1);
      runHead(machine, operands, head, { row, tokens }, source, target);
      row += tokens;
    }
  }
}

/** The tokens of a segment. @param source address of the state before them */
function runHead(
  { kernels, floats }: Machine,
  operands: Operands,
  head: number,
  { row: first, tokens }: { readonly row: number; readonly tokens: number },
  source: number,
  target: number,
): void {
  const { qkv, beta, decay, gate, silu, heads, keyHeads, keyDim, valueDim } = operands;
  const { decays, weights, epsilon, room, out } = operands;
  const group = heads / keyHeads;
  const keyHead = Math.floor(head / group);
  const placed = ({ x, columns, at, stride }: Operands['beta'], width: number, row: number): number =>
    x + 4 * (columns * row + at + stride * keyHead + width * (head % group));
  const columns = 2 * keyHeads * keyDim + heads * valueDim;
  const rate = Math.exp(floats[weights / 4 + head] as number);
  const bias = weights + 4 * (heads + decays * head);
  const norm = weights + 4 * heads * (1 + decays);
  const [key, factors] = [room + 4 * keyDim, room + 8 * keyDim];
  const width = 4 * valueDim;

  for (let row = first; row < first + tokens; row++) {
    const own = qkv + 4 * columns * row;
    const value = own + 4 * (2 * keyHeads * keyDim + head * valueDim);
    const result = out + width * (heads * row + head);
    kernels.unitHead(own + 4 * keyHead * keyDim, keyDim ** -0.5, keyDim, room);
    kernels.unitHead(own + 4 * (keyHeads + keyHead) * keyDim, 1, keyDim, key);
    kernels.decayFactors(placed(decay, decays, row), bias, rate, decays, factors);
    const strength = 1 / (1 + Math.exp(-(floats[placed(beta, 1, row) / 4] as number)));
    const before = row === first ? source : target;
    const step = decays === 1 ? 0 : 4;
    kernels.deltaStep(before, target, room, key, value, factors, step, strength, keyDim, valueDim, result);
    kernels.rmsNorm(result, norm, epsilon, 1, valueDim, width, result, width);
    kernels.gateNormed(result, placed(gate, valueDim, row), silu, valueDim);
  }
}
