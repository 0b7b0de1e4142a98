// A selective scan over states in slots: every thread has its share of the heads, and of the states.
//
// Shapes: T tokens, H heads, P numbers of a head, N numbers of a state, G groups.
import type { View } from '../abi/decode.js';
import type { Instructions } from '../abi/instructions.js';
import { shareStart } from '../share.js';
import type { Machine } from './machine.js';

export function selectiveScan(
  { kernels, floats, thread, threads }: Machine,
  operands: View<Instructions['selectiveScan']>,
): void {
  const { x, bc, timeStep, gate, heads, headDim, stateDim, groups, segments, out } = operands;
  const { parameters, perState, states, stateStride, steps, room } = operands;
  const first = shareStart(heads, thread, threads);
  const own = shareStart(heads, thread + 1, threads) - first;
  if (own === 0) return;
  const perHead = perState ? stateDim : 1;
  const biases = parameters + 4 * heads * perHead;
  const skips = biases + 4 * heads;
  const stateFloats = headDim * stateDim;
  const outColumns = heads * headDim;

  let row = 0;
  for (let index = 0; index < segments.count; index++) {
    const { tokens, from, to } = segments.at(index);
    const state = states + stateStride * to;
    if (from === 0) floats.fill(0, state / 4, state / 4 + own * stateFloats);
    else {
      const source = (states + stateStride * (from - 1)) / 4;
      floats.copyWithin(state / 4, source, source + own * stateFloats);
    }
    for (let t = 0; t < tokens; t++) {
      const raw = timeStep.address + 4 * (timeStep.columns * (row + t) + first);
      const { leastTimeStep, largestTimeStep } = operands;
      kernels.timeSteps(raw, biases + 4 * first, leastTimeStep, largestTimeStep, own, steps + 4 * own * t);
    }
    for (let h = 0; h < own; h++) {
      const head = first + h;
      const group = Math.floor((head * groups) / heads);
      kernels.scanHead(
        x.address + 4 * (x.columns * row + headDim * head),
        4 * x.columns,
        bc.address + 4 * (bc.columns * row + stateDim * group),
        4 * groups * stateDim,
        4 * bc.columns,
        steps + 4 * h,
        4 * own,
        parameters + 4 * perHead * head,
        perState,
        floats[skips / 4 + head] as number,
        tokens,
        headDim,
        stateDim,
        room,
        state + 4 * h * stateFloats,
        out + 4 * (outColumns * row + headDim * head),
        4 * outColumns,
      );
    }
    for (let t = 0; t < tokens; t++) {
      const target = out + 4 * (outColumns * (row + t) + headDim * first);
      const gates = gate.address + 4 * (gate.columns * (row + t) + headDim * first);
      kernels.multiplySilu(target, gates, own * headDim);
    }
    row += tokens;
  }
}
