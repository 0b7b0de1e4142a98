// The routed experts, in two operations with an exchange between: h = act(gate x) * up x (without a gate act(up x)), then
// the sum of down h. All
// threads share each expert's rows; tokens are grouped by expert, so that a row is decoded once for all of its tokens.
//
// Shapes: T tokens, E experts, A experts per token, S = T * A assignments sorted by expert, D hidden, F intermediate.
import type { View } from '../abi/decode.js';
import type { Instructions } from '../abi/instructions.js';
import { bytesOf, expertRecord, wordsIn } from '../abi/records.js';
import { scalesStride } from '../abi/sizes.js';
import { shareStart } from '../share.js';
import { activationOf } from './activate.js';
import type { Intakes } from './linear.js';
import { itemRows, multiplyShare } from './linear.js';
import type { Machine } from './machine.js';
import { planAt } from './route.js';
import { runItems } from './run-items.js';

const recordBytes = bytesOf(expertRecord);
const at = wordsIn(expertRecord);

export function expertsUp(machine: Machine, operands: View<Instructions['expertsUp']>): void {
  const { indices, activation, h, up, assignments, intakes } = operands;
  const { tokens, active, experts, hidden, intermediate, table } = operands.shape;
  const { offsets, tokenOfAssignment } = planAt(machine, indices, tokens, active, experts);
  machine.words.set(tokenOfAssignment, assignments / 4);
  const { gated } = activation;
  const activate = activationOf(activation);
  const width = gated ? 2 * hidden : hidden;
  runRows(machine, offsets, width, intermediate, (owner, part) => {
    const { expert, first, count, from, to } = part;
    const { words, kernels, thread, threads } = owner;
    const record = (table + recordBytes * expert) / 4;
    const rows = 4 * intermediate * first;
    const run = (matrix: number, mode: number, bias: number, out: number): void => {
      multiplyShare(
        owner,
        { record: (words[record + matrix] as number) >>> 0, rows: intermediate },
        { from, to },
        intakes.at(words[record + mode] as number),
        assignments + 4 * first,
        count,
        out + rows,
        intermediate,
      );
      addBias(owner, (words[record + bias] as number) >>> 0, part, out + rows, intermediate);
    };
    if (gated) run(at.gate, at.gateMode, at.gateBias, h);
    run(at.up, at.upMode, at.upBias, gated ? up : h);
    const start = 4 * (shareStart(intermediate, thread, threads) + from);
    for (let assignment = 0; assignment < count; assignment++) {
      const offset = rows + 4 * intermediate * assignment + start;
      activate(kernels, h + offset, up + offset, to - from);
    }
  });
}

/**
 * Adds a bias to the rows of a share.
 * @param bias address of Float32 [columns]; 0: none
 * @param out address of the first assignment's row
 */
function addBias(
  { kernels, thread, threads }: Machine,
  bias: number,
  { count, from, to }: ExpertRows,
  out: number,
  columns: number,
): void {
  if (bias === 0) return;
  const start = 4 * (shareStart(columns, thread, threads) + from);
  for (let assignment = 0; assignment < count; assignment++) {
    const sum = out + 4 * columns * assignment + start;
    kernels.add(sum, bias + start, 1, sum, to - from);
  }
}

export function expertsDown(machine: Machine, operands: View<Instructions['expertsDown']>): void {
  const { floats, kernels, thread, threads } = machine;
  const { indices, weights, y, out, intakes } = operands;
  const { tokens, active, experts, hidden, intermediate, table } = operands.shape;
  const { offsets, sortedAssignment } = planAt(machine, indices, tokens, active, experts);
  runRows(machine, offsets, intermediate, hidden, (owner, part) => {
    const { expert, first, count, from, to } = part;
    const record = (table + recordBytes * expert) / 4;
    const mode = owner.words[record + at.downMode] as number;
    const intake = rowsFrom(intakes.at(mode), first, intermediate);
    const matrix = { record: (owner.words[record + at.down] as number) >>> 0, rows: hidden };
    const rows = y + 4 * hidden * first;
    multiplyShare(owner, matrix, { from, to }, intake, 0, count, rows, hidden);
    addBias(owner, (owner.words[record + at.downBias] as number) >>> 0, part, rows, hidden);
  });
  const start = 4 * shareStart(hidden, thread, threads);
  const length = shareStart(hidden, thread + 1, threads) - start / 4;
  for (let token = 0; token < tokens; token++) {
    const sum = out + 4 * hidden * token + start;
    floats.fill(0, sum / 4, sum / 4 + length);
    for (let assignment = token * active; assignment < (token + 1) * active; assignment++) {
      const part = y + 4 * hidden * (sortedAssignment[assignment] as number) + start;
      kernels.add(sum, part, floats[weights / 4 + assignment] as number, sum, length);
    }
  }
}

/** Rows of one expert's share for the tokens that chose it. */
interface ExpertRows {
  readonly expert: number;
  /** The first of its assignments, and how many it has. */
  readonly first: number;
  readonly count: number;
  /** Counted in the share. */
  readonly from: number;
  readonly to: number;
}

/**
 * Runs all rows of all experts that have tokens.
 * @param offsets first assignment of each expert, and the end of the last one's
 * @param columns that a row multiplies
 */
function runRows(
  machine: Machine,
  offsets: Int32Array,
  columns: number,
  rows: number,
  run: (owner: Machine, part: ExpertRows) => void,
): void {
  const assignmentsOf = (expert: number): number =>
    (offsets[expert + 1] as number) - (offsets[expert] as number);
  const busy = Array.from({ length: offsets.length - 1 }, (_, expert) => expert).filter(assignmentsOf);
  const assignments = offsets.at(-1) as number;
  const step = itemRows(columns, assignments / Math.max(1, busy.length), rows * busy.length);
  const shareOf = ({ thread, threads }: Machine): number =>
    shareStart(rows, thread + 1, threads) - shareStart(rows, thread, threads);
  runItems(
    machine,
    (owner) => busy.length * Math.ceil(shareOf(owner) / step),
    (owner, item) => {
      const share = shareOf(owner);
      const parts = Math.ceil(share / step);
      const expert = busy[Math.floor(item / parts)] as number;
      const from = step * (item % parts);
      const to = Math.min(from + step, share);
      run(owner, { expert, first: offsets[expert] as number, count: assignmentsOf(expert), from, to });
    },
  );
}

interface StridedIntakes extends Intakes {
  /** Of a token at x, in bytes. */
  readonly stride: number;
}

/** The same activations from row `first` on. */
function rowsFrom(
  { unit, x, stride, scales, sums }: StridedIntakes,
  first: number,
  columns: number,
): Intakes {
  const units = scales === 0 ? 0 : first * scalesStride(columns, unit);
  return { unit, x: x + first * stride, scales: scales + units, sums: sums + units };
}
