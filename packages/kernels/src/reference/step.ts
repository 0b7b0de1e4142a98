// One step of the reference backend: the pure function of each operation, run when it is issued.
import { type Routing, route } from '@moeq/router';
import type { OperationTable } from '../shell/operands.js';
import type { RawStep } from '../shell/raw-backend.js';
import { sigmoid } from './activation.js';
import { attend } from './attention.js';
import { convolve } from './convolution.js';
import { deltaRule } from './delta-rule.js';
import { gatherRows, runExperts } from './experts.js';
import { attendLatents } from './latent.js';
import { linear } from './linear.js';
import { readRow } from './matrix.js';
import { runMlp } from './mlp.js';
import { multiplyGated } from './multiply-gated.js';
import { normRows } from './rms-norm.js';
import { scan } from './selective-scan.js';
import type { ReferenceTypes, Result } from './types.js';

/** Float32 [rows, columns] of every operation. */
const operations: OperationTable<ReferenceTypes, [], Float32Array> = {
  input: ({ values }) => values,

  embed({ table, ids, scale }) {
    const { columns } = table;
    const out = new Float32Array(ids.length * columns);
    ids.forEach((id, t) => {
      readRow(table, id, out.subarray(t * columns, (t + 1) * columns));
    });
    return scale === 1 ? out : out.map((value) => value * scale);
  },

  norm: ({ x, ...norm }) => normRows(x, norm),

  linear({ x, weight, bias, cap }) {
    const out = linear(x.values, weight, bias ?? undefined);
    return cap === 0 ? out : out.map((value) => cap * Math.tanh(value / cap));
  },

  add: ({ a, b, scale }) => a.values.map((value, i) => value + scale * (b.values[i] as number)),

  attention: ({ x, cache, layer, segments, spec, norms, sinks }) =>
    attend(x.values, cache, layer, segments, spec, norms, sinks),

  latentAttention: ({ queries, latents, expansion, cache, layer, segments, spec, norm }) =>
    attendLatents(queries.values, latents.values, expansion, cache, layer, segments, spec, norm),

  convolution: ({ x, weight, bias, cache, layer, segments, spec }) =>
    convolve(x, weight, bias, cache.layers[layer] as Float32Array, segments, spec),

  selectiveScan: ({ inputs, parameters, cache, layer, segments, spec }) =>
    scan(inputs, parameters, cache.layers[layer] as Float32Array, segments, spec),

  deltaRule: ({ x, weights, cache, layer, segments, spec, ...inputs }) =>
    deltaRule(x, inputs, weights, cache.layers[layer] as Float32Array, segments, spec),

  route({ x, spec, bias, scales }) {
    const { expertIndices, expertWeights } = route(x.values, x.rows, spec, bias ?? undefined);
    const words = new Float32Array(2 * expertIndices.length);
    new Int32Array(words.buffer).set(expertIndices);
    const scaled = expertWeights.map((weight, i) => weight * (scales?.[expertIndices[i] as number] ?? 1));
    words.set(scaled, expertIndices.length);
    return words;
  },

  experts: ({ x, routing, weights, activation }) =>
    runExperts(x.values, routingOf(routing), weights, activation),

  mlp({ x, weights, activation, gate }) {
    const out = runMlp(x.values, weights, activation);
    if (gate === null) return out;
    const gates = linear(x.values, gate).map(sigmoid); // [T]
    return out.map((value, i) => value * (gates[Math.floor(i / x.columns)] as number));
  },

  multiplyGated: ({ x, ups, first, activation }) => multiplyGated(x, ups, first, activation),

  select: ({ x, rows }) => gatherRows(x.values, x.columns, rows),
};

export function openStep(): RawStep<ReferenceTypes> {
  return {
    record: (operation, rows, columns) => ({ rows, columns, values: operations[operation.kind](operation) }),
    read: async ({ values }) => values.slice().buffer,
    finish: async () => {},
    close: () => {},
  };
}

function routingOf({ rows: tokens, columns, values }: Result): Routing {
  const expertsPerToken = columns / 2;
  const assignments = tokens * expertsPerToken;
  return {
    tokens,
    expertsPerToken,
    expertIndices: new Int32Array(values.buffer, values.byteOffset, assignments),
    expertWeights: values.subarray(assignments),
  };
}
