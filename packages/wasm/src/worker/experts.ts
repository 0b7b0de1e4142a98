// The routed experts, in two operations with an exchange between: h = act(gate x) * up x, then the sum of down h. All
// threads share each expert's rows; tokens are grouped by expert, so that a row is decoded once for all of its tokens.
//
// Shapes: T tokens, E experts, A experts per token, S = T * A slots sorted by expert, D hidden, F intermediate.
import { shareStart } from '../share.js';
import type { Intakes } from './linear.js';
import { multiplyShare, scalesStride } from './linear.js';
import type { Machine } from './machine.js';
import { operands } from './operands.js';
import { planAt } from './route.js';

/** Words of one expert in its layer's table: record and mode of gate, up and down. */
const entryWords = 6;

/**
 * indices, tokens, A, E, table, D, F, activation, h, up, list, modes, then unit, x, stride, scales, sums of each mode
 */
export function expertsUp(machine: Machine, at: number): void {
  const { words, kernels, thread, threads } = machine;
  const [indices, tokens, active, experts, table, , intermediate, activation, h, up, list] = operands(
    words,
    at,
    11,
  );
  const { offsets, tokenOfSlot } = planAt(machine, indices, tokens, active, experts);
  words.set(tokenOfSlot, list / 4);
  const start = 4 * shareStart(intermediate, thread, threads);
  const length = shareStart(intermediate, thread + 1, threads) - start / 4;
  for (let expert = 0; expert < experts; expert++) {
    const first = offsets[expert] as number;
    const count = (offsets[expert + 1] as number) - first;
    if (count === 0) continue;
    const [gateRecord, gateMode, upRecord, upMode] = operands(words, table / 4 + entryWords * expert, 4);
    const rows = 4 * intermediate * first;
    const slots = list + 4 * first;
    const run = (record: number, mode: number, out: number): void =>
      multiplyShare(
        machine,
        { record, rows: intermediate },
        modeAt(words, at + 12, mode),
        slots,
        count,
        out + rows,
        intermediate,
      );
    run(gateRecord, gateMode, h);
    run(upRecord, upMode, up);
    for (let slot = 0; slot < count; slot++) {
      const offset = rows + 4 * intermediate * slot + start;
      kernels.activate(h + offset, up + offset, activation, length);
    }
  }
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
  for (let expert = 0; expert < experts; expert++) {
    const first = offsets[expert] as number;
    const count = (offsets[expert + 1] as number) - first;
    if (count === 0) continue;
    const [record, mode] = operands(words, table / 4 + entryWords * expert + 4, 2);
    const intake = rowsFrom(modeAt(words, at + 12, mode), first, intermediate);
    multiplyShare(machine, { record, rows: hidden }, intake, 0, count, y + 4 * hidden * first, hidden);
  }
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

function modeAt(words: Int32Array, at: number, mode: number): Intakes {
  const [unit, x, stride, scales, sums] = operands(words, at + 5 * mode, 5);
  return { unit: unit as Intakes['unit'], x, stride, scales, sums };
}

/** The same activations from row `first` on. */
function rowsFrom({ unit, x, stride, scales, sums }: Intakes, first: number, columns: number): Intakes {
  const units = scales === 0 ? 0 : first * scalesStride(columns, unit);
  return { unit, x: x + first * stride, stride, scales: scales + units, sums: sums + units };
}
