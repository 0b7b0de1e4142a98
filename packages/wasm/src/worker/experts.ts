// The routed experts, in two operations with an exchange between: h = act(gate x) * up x, then the sum of down h. All
// threads share each expert's rows; tokens are grouped by expert, so that a row is decoded once for all of its tokens.
//
// Shapes: T tokens, E experts, A experts per token, S = T * A slots sorted by expert, D hidden, F intermediate.
import { shareStart } from '../share.js';
import type { Intakes } from './linear.js';
import { itemRows, multiplyShare, scalesStride } from './linear.js';
import type { Machine } from './machine.js';
import { operands } from './operands.js';
import { planAt } from './route.js';
import { runItems } from './turns.js';

/** Words of one expert in its layer's table: record and mode of gate, up and down. */
const entryWords = 6;

/**
 * indices, tokens, A, E, table, D, F, activation, h, up, list, modes, then unit, x, stride, scales, sums of each mode
 */
export function expertsUp(machine: Machine, at: number): void {
  const [indices, tokens, active, experts, table, hidden, intermediate, activation, h, up, list] = operands(
    machine.words,
    at,
    11,
  );
  const { offsets, tokenOfSlot } = planAt(machine, indices, tokens, active, experts);
  machine.words.set(tokenOfSlot, list / 4);
  runRows(machine, offsets, 2 * hidden, intermediate, (owner, { expert, first, count, from, to }) => {
    const { words, kernels, thread, threads } = owner;
    const [gateRecord, gateMode, upRecord, upMode] = operands(words, table / 4 + entryWords * expert, 4);
    const rows = 4 * intermediate * first;
    const run = (record: number, mode: number, out: number): void =>
      multiplyShare(
        owner,
        { record, rows: intermediate },
        { from, to },
        modeAt(words, at + 12, mode),
        list + 4 * first,
        count,
        out + rows,
        intermediate,
      );
    run(gateRecord, gateMode, h);
    run(upRecord, upMode, up);
    const start = 4 * (shareStart(intermediate, thread, threads) + from);
    for (let slot = 0; slot < count; slot++) {
      const offset = rows + 4 * intermediate * slot + start;
      kernels.activate(h + offset, up + offset, activation, to - from);
    }
  });
}

/**
 * indices, weights, tokens, A, E, table, D, F, y, out, unused, modes, then unit, x, stride, scales, sums of each mode
 */
export function expertsDown(machine: Machine, at: number): void {
  const { words, floats, kernels, thread, threads } = machine;
  const [indices, weights, tokens, active, experts, table, hidden, intermediate, y, out] = operands(
    words,
    at,
    10,
  );
  const { offsets, sortedSlot } = planAt(machine, indices, tokens, active, experts);
  runRows(machine, offsets, intermediate, hidden, (owner, { expert, first, count, from, to }) => {
    const [record, mode] = operands(owner.words, table / 4 + entryWords * expert + 4, 2);
    const intake = rowsFrom(modeAt(owner.words, at + 12, mode), first, intermediate);
    const matrix = { record, rows: hidden };
    multiplyShare(owner, matrix, { from, to }, intake, 0, count, y + 4 * hidden * first, hidden);
  });
  const start = 4 * shareStart(hidden, thread, threads);
  const length = shareStart(hidden, thread + 1, threads) - start / 4;
  for (let token = 0; token < tokens; token++) {
    const sum = out + 4 * hidden * token + start;
    floats.fill(0, sum / 4, sum / 4 + length);
    for (let slot = token * active; slot < (token + 1) * active; slot++) {
      const part = y + 4 * hidden * (sortedSlot[slot] as number) + start;
      kernels.add(sum, part, floats[weights / 4 + slot] as number, sum, length);
    }
  }
}

/** Rows of one expert's share for the tokens that chose it. */
interface ExpertRows {
  readonly expert: number;
  /** The first of its slots, and how many it has. */
  readonly first: number;
  readonly count: number;
  /** Counted in the share. */
  readonly from: number;
  readonly to: number;
}

/**
 * Runs all rows of all experts that have tokens.
 * @param offsets first slot of each expert, and the end of the last one's
 * @param columns that a row multiplies
 */
function runRows(
  machine: Machine,
  offsets: Int32Array,
  columns: number,
  rows: number,
  run: (owner: Machine, part: ExpertRows) => void,
): void {
  const slotsOf = (expert: number): number => (offsets[expert + 1] as number) - (offsets[expert] as number);
  const busy = Array.from({ length: offsets.length - 1 }, (_, expert) => expert).filter(slotsOf);
  const slots = offsets.at(-1) as number;
  const step = itemRows(columns, slots / Math.max(1, busy.length), rows * busy.length);
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
      run(owner, { expert, first: offsets[expert] as number, count: slotsOf(expert), from, to });
    },
  );
}

function modeAt(words: Int32Array, at: number, mode: number): Intakes {
  const [unit, x, stride, scales, sums] = operands(words, at + 5 * mode, 5);
  return { unit: unit as Intakes['unit'], x, stride, scales, sums };
}

/** The same activations from row `first` on. */
function rowsFrom({ unit, x, stride, scales, sums }: Intakes, first: number, columns: number): Intakes {
  const units = scales === 0 ? 0 : first * scalesStride(columns, unit);
  return { unit, x: x + first * stride, stride, scales: scales + units, sums: sums + units };
}
