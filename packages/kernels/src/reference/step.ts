// One step of the reference backend: checks shapes, calls the pure function of each operation, keeps the results until
// the step ends. `step.ts` computes nothing itself.
import type { Routing } from '@moeq/router';
import { route } from '@moeq/router';
import { MoeqError } from '@moeq/tensors';
import type { Activations, RoutingHandle, Step } from '../backend.js';
import { Handles } from '../handles.js';
import { assertIndices, assertSegments, assertSize, attentionWidths, inputColumns } from '../shapes.js';
import { sigmoid } from './activation.js';
import { attend } from './attention.js';
import { gatherRows, runExperts } from './experts.js';
import { linear } from './linear.js';
import { readRow } from './matrix.js';
import { runMlp } from './mlp.js';
import type { Objects } from './objects.js';
import { rmsNorm } from './rms-norm.js';

/** The step, and what ends it. */
export function openStep(objects: Objects): { step: Step; close: () => void } {
  const live = new Handles<Activations, Float32Array>('activations');
  const routings = new Handles<RoutingHandle, Routing & { readonly experts: number }>('routing');
  let open = true;

  const checkOpen = (): void => {
    if (open) return;
    throw new MoeqError({
      operation: 'run an operation',
      subject: 'step',
      expected: 'a running step',
      found: 'one that has ended',
    });
  };
  const keep = (data: Float32Array, rows: number, columns: number): Activations =>
    live.add({ rows, columns }, data);
  const vector = (
    operation: string,
    subject: string,
    handle: Parameters<typeof objects.vectors.get>[0],
    length: number,
  ) => {
    const values = objects.vectors.get(handle);
    assertSize(operation, subject, length, values.length);
    return values;
  };

  const step: Step = {
    input(values, rows) {
      checkOpen();
      return keep(values.slice(), rows, inputColumns(values.length, rows));
    },

    embed(table, ids, scale = 1) {
      checkOpen();
      const matrix = objects.weights.get(table);
      assertIndices('embed', 'token ids', ids, matrix.rows);
      const out = new Float32Array(ids.length * matrix.columns);
      ids.forEach((id, t) => {
        readRow(matrix, id, out.subarray(t * matrix.columns, (t + 1) * matrix.columns));
      });
      return keep(scale === 1 ? out : out.map((value) => value * scale), ids.length, matrix.columns);
    },

    rmsNorm(x, norm) {
      const values = live.get(x);
      const out = new Float32Array(values.length);
      rmsNorm(values, vector('norm', 'norm weights', norm.weight, x.columns), norm.epsilon, out);
      return keep(out, x.rows, x.columns);
    },

    linear(x, weight, bias) {
      const matrix = objects.weights.get(weight);
      assertSize('multiply', 'columns of the activations', matrix.columns, x.columns);
      const added = bias && vector('multiply', 'bias', bias, matrix.rows);
      return keep(linear(live.get(x), matrix, added), x.rows, matrix.rows);
    },

    add(a, b, scale = 1) {
      const left = live.get(a);
      const right = live.get(b);
      assertSize('add', 'rows', a.rows, b.rows);
      assertSize('add', 'columns', a.columns, b.columns);
      const sum = left.map((value, i) => value + scale * (right[i] as number));
      live.delete(a);
      return keep(sum, a.rows, a.columns);
    },

    attention(qkv, cache, layer, segments, spec) {
      const paged = objects.caches.get(cache);
      const widths = attentionWidths(spec, paged.spec);
      assertSize('attend', 'columns of qkv', widths.queries + widths.keys + widths.values, qkv.columns);
      assertSegments(segments, qkv.rows, paged.spec, spec);
      assertIndices('attend', 'layer', Int32Array.of(layer), paged.spec.layers);
      const norms = {
        ...(spec.queryNorm && { query: objects.vectors.get(spec.queryNorm.weight) }),
        ...(spec.keyNorm && { key: objects.vectors.get(spec.keyNorm.weight) }),
      };
      return keep(
        attend(live.get(qkv), paged, layer, segments, spec, norms, widths),
        qkv.rows,
        widths.output,
      );
    },

    route(logits, spec, correctionBias) {
      assertSize('route', 'columns of the router logits', spec.experts, logits.columns);
      const bias = correctionBias && vector('route', 'correction bias', correctionBias, spec.experts);
      const routing = route(live.get(logits), logits.rows, spec, bias);
      return routings.add(
        { tokens: routing.tokens, expertsPerToken: routing.expertsPerToken },
        { ...routing, experts: spec.experts },
      );
    },

    experts(x, routing, weights, activation) {
      const chosen = routings.get(routing);
      const mlps = objects.experts.get(weights);
      assertSize('run experts', 'experts of the routing', mlps.length, chosen.experts);
      assertSize('run experts', 'tokens of the routing', x.rows, chosen.tokens);
      assertSize('run experts', 'columns of the activations', mlps[0]?.hidden ?? 0, x.columns);
      return keep(runExperts(live.get(x), chosen, mlps, activation), x.rows, x.columns);
    },

    mlp(x, weights, activation, outputGate) {
      const mlp = objects.mlps.get(weights);
      assertSize('run an MLP', 'columns of the activations', mlp.hidden, x.columns);
      const out = runMlp(live.get(x), mlp, activation);
      if (outputGate !== undefined) {
        const gate = objects.weights.get(outputGate);
        assertSize('run an MLP', 'rows of the output gate', 1, gate.rows);
        assertSize('run an MLP', 'columns of the output gate', x.columns, gate.columns);
        const gates = linear(live.get(x), gate).map(sigmoid); // [T]
        out.forEach((value, i) => {
          out[i] = value * (gates[Math.floor(i / x.columns)] as number);
        });
      }
      return keep(out, x.rows, x.columns);
    },

    selectRows(x, rows) {
      const values = live.get(x);
      assertIndices('select rows', 'row indices', rows, x.rows);
      return keep(gatherRows(values, x.columns, rows), rows.length, x.columns);
    },

    read: async (x) => live.get(x).slice(),

    readRouting: async (routing) => {
      const { experts: _, ...chosen } = routings.get(routing);
      return {
        ...chosen,
        expertIndices: chosen.expertIndices.slice(),
        expertWeights: chosen.expertWeights.slice(),
      };
    },
  };

  const close = (): void => {
    open = false;
    live.clear();
    routings.clear();
  };
  return { step, close };
}
