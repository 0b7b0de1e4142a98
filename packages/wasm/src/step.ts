// One step: checks shapes and records operations; reading runs them. `step.ts` computes nothing itself.
import type { Activations, NormSpec, RopeSpec, RoutingHandle, Segment, Step, Vector } from '@moeq/kernels';
import {
  assertIndices,
  assertSegments,
  assertSize,
  attentionWidths,
  Handles,
  inputColumns,
} from '@moeq/kernels';
import { validateRouteSpec } from '@moeq/router';
import { MoeqError } from '@moeq/tensors';
import type { Engine } from './engine.js';
import { Graph, type Recorded } from './graph.js';
import type { LoadedVector } from './loaded.js';
import { attention, rotations } from './operations/attention.js';
import { add, embed, input, linear, rmsNorm, selectRows } from './operations/basic.js';
import { experts, mlp } from './operations/mlp.js';
import { route } from './operations/route.js';
import type { Value } from './value.js';

interface RoutedValue {
  readonly value: Value;
  readonly experts: number;
}

/** The step, what runs what is left of it, and what gives its memory back. */
export function openStep(engine: Engine): { step: Step; finish: () => Promise<void>; close: () => void } {
  const { objects } = engine;
  const graph = new Graph();
  const live = new Handles<Activations, Value>('activations');
  const routings = new Handles<RoutingHandle, RoutedValue>('routing');
  const rotationTables = new Map<RopeSpec, Map<string, Value>>();
  let open = true;

  const record = (operation: Recorded): Value => {
    if (open) return graph.record(operation);
    throw new MoeqError({
      operation: 'run an operation',
      subject: 'step',
      expected: 'a running step',
      found: 'one that has ended',
    });
  };
  const keep = (operation: Recorded): Activations => {
    const value = record(operation);
    return live.add({ rows: value.rows, columns: value.columns }, value);
  };
  const vector = (operation: string, subject: string, handle: Vector, length: number): LoadedVector => {
    const loaded = objects.vectors.get(handle);
    assertSize(operation, subject, length, loaded.length);
    return loaded;
  };
  const normVector = (norm: NormSpec | undefined): LoadedVector | undefined =>
    norm && objects.vectors.get(norm.weight);

  /** Tells frequencies of segments apart, by which array they are. */
  const frequencies: Float32Array[] = [];
  const frequenciesOf = ({ inverseFrequencies: own }: Segment): string => {
    if (own === undefined) return '';
    if (!frequencies.includes(own)) frequencies.push(own);
    return `@${frequencies.indexOf(own)}`;
  };

  /** One table of cosines and sines for all layers that rotate the same positions alike. */
  const rotationsOf = (rope: RopeSpec, segments: readonly Segment[]): Value => {
    const key = segments.map((each) => `${each.start}+${each.tokens}${frequenciesOf(each)}`).join();
    const known = rotationTables.get(rope) ?? new Map<string, Value>();
    rotationTables.set(rope, known);
    const value = known.get(key) ?? record(rotations(rope, segments));
    known.set(key, value);
    return value;
  };

  /** Operations recorded in one go run as one program, whatever of them is read. */
  let running: Promise<void> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const run = (): Promise<void> => {
    running ??= last.then(() => {
      running = null;
      return engine.run(graph);
    });
    last = running.catch(() => {});
    return running;
  };
  const read = async (value: Value): Promise<Float32Array> => {
    value.wanted = true;
    await run();
    return engine.read(value);
  };

  const step: Step = {
    input(values, rows) {
      return keep(input(values.slice(), rows, inputColumns(values.length, rows)));
    },

    embed(table, ids, scale = 1) {
      const weight = objects.weights.get(table);
      assertIndices('embed', 'token ids', ids, weight.rows);
      return keep(embed(weight, ids.slice(), scale));
    },

    rmsNorm(x, norm) {
      const weight = vector('norm', 'norm weights', norm.weight, x.columns);
      return keep(rmsNorm(live.get(x), weight, norm.epsilon));
    },

    linear(x, weight, bias) {
      const loaded = objects.weights.get(weight);
      assertSize('multiply', 'columns of the activations', loaded.columns, x.columns);
      const added = bias && vector('multiply', 'bias', bias, loaded.rows);
      return keep(linear(live.get(x), loaded, added));
    },

    add(a, b, scale = 1) {
      const [left, right] = [live.get(a), live.get(b)];
      assertSize('add', 'rows', a.rows, b.rows);
      assertSize('add', 'columns', a.columns, b.columns);
      live.delete(a);
      return keep(add(left, right, scale));
    },

    attention(qkv, cache, layer, segments, spec) {
      const loaded = objects.caches.get(cache);
      const widths = attentionWidths(spec, loaded.spec);
      assertSize('attend', 'columns of qkv', widths.queries + widths.keys + widths.values, qkv.columns);
      assertSegments(segments, qkv.rows, loaded.spec, spec);
      assertIndices('attend', 'layer', Int32Array.of(layer), loaded.spec.layers);
      const norms = { query: normVector(spec.queryNorm), key: normVector(spec.keyNorm) };
      const rotation = spec.rope === null ? null : rotationsOf(spec.rope, segments);
      return keep(attention(live.get(qkv), loaded, layer, copySegments(segments), spec, norms, rotation));
    },

    route(logits, spec, correctionBias) {
      validateRouteSpec(spec);
      assertSize('route', 'columns of the router logits', spec.experts, logits.columns);
      const bias = correctionBias && vector('route', 'correction bias', correctionBias, spec.experts);
      const value = record(route(live.get(logits), spec, bias));
      return routings.add(
        { tokens: logits.rows, expertsPerToken: spec.expertsPerToken, experts: spec.experts },
        { value, experts: spec.experts },
      );
    },

    experts(x, routing, weights, activation) {
      const loaded = objects.experts.get(weights);
      const chosen = routings.get(routing);
      assertSize('run experts', 'experts of the routing', loaded.experts.length, chosen.experts);
      assertSize('run experts', 'tokens of the routing', x.rows, routing.tokens);
      assertSize('run experts', 'columns of the activations', loaded.hidden, x.columns);
      return keep(experts(live.get(x), chosen.value, loaded, activation));
    },

    mlp(x, weights, activation, outputGate) {
      const loaded = objects.mlps.get(weights);
      assertSize('run an MLP', 'columns of the activations', loaded.hidden, x.columns);
      const gate = outputGate && objects.weights.get(outputGate);
      if (gate !== undefined) {
        assertSize('run an MLP', 'rows of the output gate', 1, gate.rows);
        assertSize('run an MLP', 'columns of the output gate', x.columns, gate.columns);
      }
      return keep(mlp(live.get(x), loaded, activation, gate));
    },

    selectRows(x, rows) {
      assertIndices('select rows', 'row indices', rows, x.rows);
      return keep(selectRows(live.get(x), rows.slice()));
    },

    read: async (x) => read(live.get(x)),

    readRouting: async (routing) => {
      const { value } = routings.get(routing);
      const { tokens, expertsPerToken } = routing;
      const slots = tokens * expertsPerToken;
      const words = await read(value);
      return {
        tokens,
        expertsPerToken,
        expertIndices: new Int32Array(words.buffer, 0, slots).slice(),
        expertWeights: words.slice(slots),
      };
    },
  };

  const close = (): void => {
    open = false;
    live.clear();
    routings.clear();
    engine.close();
  };
  return { step, finish: run, close };
}

/** A caller may change its segments once the operation is recorded. */
function copySegments(segments: readonly Segment[]): Segment[] {
  return segments.map((segment) => ({ ...segment, pages: segment.pages.slice() }));
}
