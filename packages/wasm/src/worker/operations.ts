// The operations, by number. Operands are words of this thread's memory, in the order in which operations/ on the host
// writes them. Results that are split over threads are each thread's own share until `gather` has brought the rest.
//
// Shapes: T tokens, N rows, K columns.
import { activationForms } from '../matrix-record.js';
import type { Opcode } from '../opcodes.js';
import { opcodes } from '../opcodes.js';
import { shareOwner, shareStart } from '../share.js';
import { attention } from './attention.js';
import { expertsDown, expertsUp } from './experts.js';
import { type Intakes, multiplyShares } from './linear.js';
import type { Machine } from './machine.js';
import { operands } from './operands.js';
import { route } from './route.js';

/** @param at index of the first operand */
export type Operation = (machine: Machine, at: number) => void;

const byName: Record<Opcode, Operation> = {
  /** address, bytes of a thread's room, columns */
  scratch({ words, kernels, helped }, at) {
    const [address, bytes, columns] = operands(words, at, 3);
    kernels.useScratch(address, columns);
    // by distance, so that no two threads that help the same one have the same room
    helped.forEach((other, index) => void other.kernels.useScratch(address + (index + 1) * bytes, columns));
  },

  /** out, count, numbers */
  input({ words, floats }, at) {
    const [out, count] = operands(words, at, 2);
    floats.copyWithin(out / 4, at + 2, at + 2 + count);
  },

  /** out, columns, scale, tokens, parts, then record, rows, first row of each part, then ids */
  embed(machine, at) {
    const { words, floats, kernels, barrier, thread, threads } = machine;
    const [out, columns, , tokens, parts] = operands(words, at, 5);
    const scale = floats[at + 2] as number;
    const ids = at + 5 + 3 * parts;
    const owners = new Int32Array(tokens);
    for (let t = 0; t < tokens; t++) {
      const id = words[ids + t] as number;
      let part = at + 5;
      while (id >= (words[part + 1] as number) + (words[part + 2] as number)) part += 3;
      const [record, rows, first] = operands(words, part, 3);
      owners[t] = shareOwner(rows, id - first, threads);
      if (owners[t] !== thread) continue;
      kernels.decodeRow(record, id - first, out + 4 * t * columns);
      if (scale !== 1) kernels.multiply(out + 4 * t * columns, scale, columns);
    }
    barrier.wait();
    owners.forEach((owner, t) => {
      if (owner !== thread) machine.copyFrom(owner, out + 4 * t * columns, columns);
    });
  },

  /** x, weight, epsilon, rows, columns, out */
  norm({ words, floats, kernels }, at) {
    const [x, weight, , rows, columns, out] = operands(words, at, 6);
    kernels.rmsNorm(x, weight, floats[at + 2] as number, rows, columns, 4 * columns, out, 4 * columns);
  },

  /** x, tokens, columns, form, unit, order, out, scales, sums */
  quantize({ words, kernels }, at) {
    const [x, tokens, columns, form, unit, order, out, scales, sums] = operands(words, at, 9);
    if (form === activationForms.bytes) kernels.quantizeBytes(x, tokens, columns, unit, order, out);
    else if (form === activationForms.pairs) kernels.quantizePairs(x, tokens, columns, unit, order, out);
    else kernels.quantizePlain(x, tokens, columns, unit, out, scales, sums);
  },

  /** record, rows, unit, x, stride, scales, sums, tokens, out, columns of out, first column */
  linear(machine, at) {
    const [record, rows, unit, x, stride, scales, sums, tokens, out, columns, first] = operands(
      machine.words,
      at,
      11,
    );
    const intakes = { unit: unit as Intakes['unit'], x, stride, scales, sums };
    multiplyShares(machine, { record, rows }, intakes, tokens, out + 4 * first, columns);
  },

  /** address, rows, columns, parts, then first column, shares, columns of a share of each part */
  gather(machine, at) {
    const { words, thread, threads, barrier } = machine;
    const [address, rows, columns, parts] = operands(words, at, 4);
    barrier.wait();
    for (let other = 0; other < threads; other++) {
      if (other === thread) continue;
      for (let part = 0; part < parts; part++) {
        const [first, count, size] = operands(words, at + 4 + 3 * part, 3);
        const start = shareStart(count, other, threads);
        const length = size * (shareStart(count, other + 1, threads) - start);
        const from = address + 4 * (first + size * start);
        for (let row = 0; row < rows; row++) machine.copyFrom(other, from + 4 * row * columns, length);
      }
    }
  },

  /** x, bias, rows, columns, first column, shares, everywhere: each thread its own, or all */
  bias({ words, kernels, thread, threads }, at) {
    const [x, bias, rows, columns, first, count, everywhere] = operands(words, at, 7);
    const [own, of] = everywhere === 1 ? [0, 1] : [thread, threads];
    const start = first + shareStart(count, own, of);
    const length = first + shareStart(count, own + 1, of) - start;
    for (let row = 0; row < rows; row++) {
      const sum = x + 4 * (row * columns + start);
      kernels.add(sum, bias + 4 * start, 1, sum, length);
    }
  },

  /** a, b, scale, out, length */
  add({ words, floats, kernels }, at) {
    const [a, b, , out, length] = operands(words, at, 5);
    kernels.add(a, b, floats[at + 2] as number, out, length);
  },

  /** x, out, columns, count, rows */
  select({ words, floats }, at) {
    const [x, out, columns, count] = operands(words, at, 4);
    for (let i = 0; i < count; i++) {
      const from = x / 4 + (words[at + 4 + i] as number) * columns;
      floats.copyWithin(out / 4 + i * columns, from, from + columns);
    }
  },

  /** gate, up, activation, rows, columns: each thread its share of the columns */
  activate({ words, kernels, thread, threads }, at) {
    const [gate, up, activation, rows, columns] = operands(words, at, 5);
    const start = shareStart(columns, thread, threads);
    const length = shareStart(columns, thread + 1, threads) - start;
    for (let row = 0; row < rows; row++) {
      const offset = 4 * (row * columns + start);
      kernels.activate(gate + offset, up + offset, activation, length);
    }
  },

  /** x, gates, rows, columns: each thread its share of the columns */
  sigmoid({ words, floats, kernels, thread, threads }, at) {
    const [x, gates, rows, columns] = operands(words, at, 4);
    const start = shareStart(columns, thread, threads);
    const length = shareStart(columns, thread + 1, threads) - start;
    for (let row = 0; row < rows; row++) {
      const own = x + 4 * (row * columns + start);
      kernels.multiplySigmoid(own, floats[gates / 4 + row] as number, length);
    }
  },

  /** cos, sin, factor, tokens, pairs, then positions and inverse frequencies */
  rotations({ words, floats }, at) {
    const [cos, sin, , tokens, pairs] = operands(words, at, 5);
    const factor = floats[at + 2] as number;
    for (let t = 0; t < tokens; t++) {
      const position = words[at + 5 + t] as number;
      for (let i = 0; i < pairs; i++) {
        const angle = Math.fround(position * (floats[at + 5 + tokens + i] as number));
        floats[cos / 4 + t * pairs + i] = Math.fround(Math.cos(angle)) * factor;
        floats[sin / 4 + t * pairs + i] = Math.fround(Math.sin(angle)) * factor;
      }
    }
  },

  attention,
  route,
  expertsUp,
  expertsDown,
};

export const operations: readonly Operation[] = Object.entries(opcodes)
  .sort(([, a], [, b]) => a - b)
  .map(([name]) => byName[name as Opcode]);
