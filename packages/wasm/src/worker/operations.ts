// The operations of instructions. Results that are split over threads are each thread's own share until `gather` has brought the
// rest.
//
// Shapes: T tokens, N rows, K columns.
import type { View } from '../abi/decode.js';
import { activationForms } from '../abi/enumerations.js';
import type { Instructions } from '../abi/instructions.js';
import { shareOwner, shareStart } from '../share.js';
import { activationOf } from './activate.js';
import { attention } from './attention.js';
import { convolution } from './convolution.js';
import { deltaRule } from './delta-rule.js';
import { expertsDown, expertsUp } from './experts.js';
import { latentAttention } from './latent.js';
import { multiplyShares } from './linear.js';
import type { Machine } from './machine.js';
import { route } from './route.js';
import { selectiveScan } from './selective-scan.js';

type Operations = {
  readonly [Name in keyof Instructions]: (machine: Machine, operands: View<Instructions[Name]>) => void;
};

export const operations: Operations = {
  scratch({ kernels, victims }, { address, bytes, columns }) {
    kernels.useScratch(address, columns);
    // by distance, so that no two threads that help the same one have the same room
    victims.forEach((other, index) => void other.kernels.useScratch(address + (index + 1) * bytes, columns));
  },

  input({ floats }, { out, values }) {
    floats.copyWithin(out / 4, values.start, values.start + values.count);
  },

  embed(machine, { out, columns, scale, parts, ids }) {
    const { kernels, barrier, thread, threads } = machine;
    const owners = new Int32Array(ids.count);
    for (let t = 0; t < ids.count; t++) {
      const id = ids.at(t);
      let index = 0;
      let part = parts.at(index);
      while (id >= part.first + part.rows) part = parts.at(++index);
      const { record, rows, first } = part;
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

  norm({ kernels }, { x, xColumns, groups, weight, bias, epsilon, centred, rows, columns, out }) {
    const size = columns / groups;
    const stride = 4 * columns;
    if (centred)
      for (let row = 0; row < rows; row++)
        kernels.centre(x + 4 * row * xColumns, groups, size, out + row * stride);
    const [source, sourceStride] = centred ? [out, stride] : [x, 4 * xColumns];
    for (let first = 0; first < stride; first += 4 * size) {
      kernels.rmsNorm(source + first, weight + first, epsilon, rows, size, sourceStride, out + first, stride);
    }
    if (bias === 0) return;
    for (let row = 0; row < rows; row++) {
      const sum = out + 4 * row * columns;
      kernels.add(sum, bias, 1, sum, columns);
    }
  },

  quantize({ kernels }, { x, tokens, columns, form, unit, order, out, scales, sums }) {
    if (form === activationForms.bytes) kernels.quantizeBytes(x, tokens, columns, unit, order, out);
    else if (form === activationForms.pairs) kernels.quantizePairs(x, tokens, columns, unit, order, out);
    else kernels.quantizePlain(x, tokens, columns, unit, out, scales, sums);
  },

  linear(machine, { record, rows, intake, tokens, out, columns, first }) {
    const { unit, x, scales, sums } = intake;
    multiplyShares(machine, { record, rows }, { unit, x, scales, sums }, tokens, out + 4 * first, columns);
  },

  gather(machine, { address, rows, columns, parts }) {
    const { thread, threads, barrier } = machine;
    barrier.wait();
    for (let other = 0; other < threads; other++) {
      if (other === thread) continue;
      for (let part = 0; part < parts.count; part++) {
        const { first, count, size } = parts.at(part);
        const start = shareStart(count, other, threads);
        const length = size * (shareStart(count, other + 1, threads) - start);
        const from = address + 4 * (first + size * start);
        for (let row = 0; row < rows; row++) machine.copyFrom(other, from + 4 * row * columns, length);
      }
    }
  },

  bias({ kernels, thread, threads }, { x, bias, rows, columns, first, count, everywhere }) {
    const [own, of] = everywhere ? [0, 1] : [thread, threads];
    const start = first + shareStart(count, own, of);
    const length = first + shareStart(count, own + 1, of) - start;
    for (let row = 0; row < rows; row++) {
      const sum = x + 4 * (row * columns + start);
      kernels.add(sum, bias + 4 * start, 1, sum, length);
    }
  },

  softCap({ kernels, thread, threads }, { x, cap, rows, columns, first, count, everywhere }) {
    const [own, of] = everywhere ? [0, 1] : [thread, threads];
    const start = first + shareStart(count, own, of);
    const length = first + shareStart(count, own + 1, of) - start;
    for (let row = 0; row < rows; row++) kernels.softCap(x + 4 * (row * columns + start), cap, length);
  },

  add({ kernels }, { a, b, scale, out, length }) {
    kernels.add(a, b, scale, out, length);
  },

  select({ floats }, { x, out, columns, rows }) {
    for (let i = 0; i < rows.count; i++) {
      const from = x / 4 + rows.at(i) * columns;
      floats.copyWithin(out / 4 + i * columns, from, from + columns);
    }
  },

  activate({ kernels, thread, threads }, { h, up, activation, rows, columns }) {
    const start = shareStart(columns, thread, threads);
    const length = shareStart(columns, thread + 1, threads) - start;
    const activate = activationOf(activation);
    for (let row = 0; row < rows; row++) {
      const offset = 4 * (row * columns + start);
      activate(kernels, h + offset, up + offset, length);
    }
  },

  multiplyGated(machine, { gates, ups, upColumns, activation, rows, columns, out }) {
    const { floats, kernels, thread, threads } = machine;
    const start = shareStart(columns, thread, threads);
    const length = shareStart(columns, thread + 1, threads) - start;
    const multiply = activationOf(activation);
    for (let row = 0; row < rows; row++) {
      const own = 4 * (row * columns + start);
      const from = (gates + own) / 4;
      if (out !== gates) floats.copyWithin((out + own) / 4, from, from + length);
      multiply(kernels, out + own, ups + 4 * (row * upColumns + start), length);
    }
  },

  sigmoid({ floats, kernels, thread, threads }, { x, gates, rows, columns }) {
    const start = shareStart(columns, thread, threads);
    const length = shareStart(columns, thread + 1, threads) - start;
    for (let row = 0; row < rows; row++) {
      const own = x + 4 * (row * columns + start);
      kernels.multiplySigmoid(own, floats[gates / 4 + row] as number, length);
    }
  },

  attention,
  latentAttention,
  convolution,
  selectiveScan,
  deltaRule,
  route,
  expertsUp,
  expertsDown,
};
