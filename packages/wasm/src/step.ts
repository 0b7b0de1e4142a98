// One step: takes operations down, and runs them when something is read or the step ends. What each writes into a program is
// in operations/.
import type { OperationTable, RawStep, RopeSpec, Segment } from '@moeq/kernels';
import type { Engine } from './engine.js';
import { Graph, type Recorded } from './graph.js';
import type {
  LoadedCache,
  LoadedExperts,
  LoadedHeads,
  LoadedMlp,
  LoadedStates,
  LoadedVector,
  LoadedWeight,
} from './loaded.js';
import { attention, rotations } from './operations/attention.js';
import { add, embed, input, linear, norm, selectRows } from './operations/basic.js';
import { convolution } from './operations/convolution.js';
import { deltaRule } from './operations/delta-rule.js';
import { latentAttention } from './operations/latent.js';
import { experts, mlp, multiplyGated } from './operations/mlp.js';
import { route } from './operations/route.js';
import { selectiveScan } from './operations/selective-scan.js';
import type { Value } from './value.js';

export interface WasmTypes {
  readonly node: Value;
  readonly weight: LoadedWeight;
  readonly experts: LoadedExperts;
  readonly mlp: LoadedMlp;
  readonly vector: LoadedVector;
  readonly heads: LoadedHeads;
  readonly cache: LoadedCache;
  readonly state: LoadedStates;
}

/** What operations of one step share. */
interface Shared {
  /** Cosines and sines of all tokens. */
  rotationsOf(rope: RopeSpec, segments: readonly Segment[]): Value;
}

const operations: OperationTable<WasmTypes, [rows: number, columns: number, shared: Shared], Recorded> = {
  input: ({ values }, rows, columns) => input(values, rows, columns),
  embed: ({ table, ids, scale }) => embed(table, ids, scale),
  norm: ({ x, weight, epsilon, centred, bias, first, groups }, _rows, columns) =>
    norm(x, weight, epsilon, centred, bias, first, groups, columns),
  linear: ({ x, weight, bias, cap }) => linear(x, weight, bias, cap),
  add: ({ a, b, scale }) => add(a, b, scale),
  attention({ x, cache, layer, segments, spec, norms, sinks }, _rows, _columns, { rotationsOf }) {
    const rotation = spec.rope === null ? null : rotationsOf(spec.rope, segments);
    return attention(x, cache, layer, segments, spec, norms, sinks, rotation);
  },
  latentAttention(operation, _rows, _columns, { rotationsOf }) {
    const { queries, latents, expansion, cache, layer, segments, spec, norm } = operation;
    const rotation = spec.rope === null ? null : rotationsOf(spec.rope, segments);
    return latentAttention(queries, latents, expansion, cache, layer, segments, spec, norm, rotation);
  },
  convolution: ({ x, weight, bias, cache, layer, segments, spec }) =>
    convolution(x, weight, bias, cache, layer, segments, spec),
  selectiveScan: ({ inputs, parameters, cache, layer, segments, spec }, rows) =>
    selectiveScan(inputs, parameters, cache, layer, segments, spec, rows),
  deltaRule: ({ x, weights, cache, layer, segments, spec, ...inputs }) =>
    deltaRule(x, inputs, weights, cache, layer, segments, spec),
  route: ({ x, spec, bias, scales }) => route(x, spec, bias, scales),
  experts: ({ x, routing, weights, activation }) => experts(x, routing, weights, activation),
  mlp: ({ x, weights, activation, gate }) => mlp(x, weights, activation, gate),
  multiplyGated: ({ x, ups, first, activation }) => multiplyGated(x, ups, first, activation),
  select: ({ x, rows }) => selectRows(x, rows),
};

export function openStep(engine: Engine): RawStep<WasmTypes> {
  const graph = new Graph();
  const known = new Map<RopeSpec, Map<readonly Segment[], Value>>();

  const shared: Shared = {
    rotationsOf(rope, segments) {
      const bySegments = known.get(rope) ?? new Map<readonly Segment[], Value>();
      known.set(rope, bySegments);
      const table = bySegments.get(segments) ?? graph.record(rotations(rope, segments));
      bySegments.set(segments, table);
      return table;
    },
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

  return {
    record: (operation, rows, columns) =>
      graph.record(operations[operation.kind](operation, rows, columns, shared)),

    async read(value) {
      value.wanted = true;
      await run();
      return engine.read(value);
    },

    finish: run,

    close: () => engine.close(),
  };
}
