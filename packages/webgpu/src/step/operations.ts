// The operations of a step as their callers see them: each checks what it is given against the shapes and records a node.
import type { Activations, RoutingHandle, Step, Vector } from '@moeq/kernels';
import {
  assertIndices,
  assertSegments,
  assertSize,
  attentionWidths,
  type Handles,
  inputColumns,
} from '@moeq/kernels';
import { validateRouteSpec } from '@moeq/router';
import type { Objects } from '../objects.js';
import type { Node, Operation, OperationOf, StoredVector } from './graph.js';

/** Where operations are written down, and what has been. */
export interface Recording {
  readonly live: Handles<Activations, Node>;
  readonly routings: Handles<RoutingHandle, Node<OperationOf<'route'>>>;
  record<Op extends Operation>(operation: Op, rows: number, columns: number): Node<Op>;
  activations(operation: Operation, rows: number, columns: number): Activations;
  read(node: Node): Promise<ArrayBuffer>;
}

export function stepOperations(recording: Recording, objects: Objects): Step {
  const vector = (operation: string, subject: string, handle: Vector, length: number): StoredVector => {
    const found = objects.vectors.get(handle);
    assertSize(operation, subject, length, found.length);
    return found;
  };

  const attention: Step['attention'] = (qkv, handle, layer, segments, spec) => {
    const cache = objects.caches.get(handle);
    const widths = attentionWidths(spec, cache.spec);
    assertSize('attend', 'columns of qkv', widths.queries + widths.keys + widths.values, qkv.columns);
    assertSegments(segments, qkv.rows, cache.spec, spec);
    assertIndices('attend', 'layer', Int32Array.of(layer), cache.spec.layers);
    const { vectors } = objects;
    const norms = {
      query: spec.queryNorm === undefined ? null : vectors.get(spec.queryNorm.weight),
      key: spec.keyNorm === undefined ? null : vectors.get(spec.keyNorm.weight),
    };
    const valueDim = cache.spec.valueDim ?? cache.spec.headDim;
    const x = recording.live.get(qkv);
    const operation = { kind: 'attention', x, cache, layer, segments, spec, norms, valueDim } as const;
    return recording.activations(operation, qkv.rows, widths.output);
  };

  return {
    input: (values, rows) => {
      const columns = inputColumns(values.length, rows);
      return recording.activations({ kind: 'input', values: values.slice() }, rows, columns);
    },

    embed: (handle, ids, scale = 1) => {
      const table = objects.weights.get(handle);
      assertIndices('embed', 'token ids', ids, table.rows);
      return recording.activations(
        { kind: 'embed', table, ids: ids.slice(), scale },
        ids.length,
        table.columns,
      );
    },

    rmsNorm: (x, norm) => {
      const weight = vector('norm', 'norm weights', norm.weight, x.columns);
      const operation = { kind: 'norm', x: recording.live.get(x), weight, epsilon: norm.epsilon } as const;
      return recording.activations(operation, x.rows, x.columns);
    },

    linear: (x, handle, added) => {
      const weight = objects.weights.get(handle);
      assertSize('multiply', 'columns of the activations', weight.columns, x.columns);
      const bias = added === undefined ? null : vector('multiply', 'bias', added, weight.rows);
      return recording.activations(
        { kind: 'linear', x: recording.live.get(x), weight, bias },
        x.rows,
        weight.rows,
      );
    },

    add: (a, b, scale = 1) => {
      const [left, right] = [recording.live.get(a), recording.live.get(b)];
      assertSize('add', 'rows', a.rows, b.rows);
      assertSize('add', 'columns', a.columns, b.columns);
      const sum = recording.activations({ kind: 'add', a: left, b: right, scale }, a.rows, a.columns);
      recording.live.delete(a);
      return sum;
    },

    attention,

    route: (logits, spec, correctionBias) => {
      validateRouteSpec(spec);
      assertSize('route', 'columns of the router logits', spec.experts, logits.columns);
      const x = recording.live.get(logits);
      const bias =
        correctionBias === undefined
          ? null
          : vector('route', 'correction bias', correctionBias, spec.experts);
      const node = recording.record(
        { kind: 'route', x, spec, bias } as const,
        x.rows,
        2 * spec.expertsPerToken,
      );
      return recording.routings.add({ tokens: x.rows, expertsPerToken: spec.expertsPerToken }, node);
    },

    experts: (x, chosen, handle, activation) => {
      const routing = recording.routings.get(chosen);
      const weights = objects.experts.get(handle);
      assertSize('run experts', 'tokens of the routing', x.rows, chosen.tokens);
      assertSize('run experts', 'columns of the activations', weights.hidden, x.columns);
      assertSize('run experts', 'experts of the routing', weights.experts, routing.operation.spec.experts);
      const operation = { kind: 'experts', x: recording.live.get(x), routing, weights, activation } as const;
      return recording.activations(operation, x.rows, x.columns);
    },

    mlp: (x, handle, activation, outputGate) => {
      const weights = objects.mlps.get(handle);
      assertSize('run an MLP', 'columns of the activations', weights.hidden, x.columns);
      const gate = outputGate === undefined ? null : objects.weights.get(outputGate);
      if (gate !== null) {
        assertSize('run an MLP', 'rows of the output gate', 1, gate.rows);
        assertSize('run an MLP', 'columns of the output gate', x.columns, gate.columns);
      }
      const operation = { kind: 'mlp', x: recording.live.get(x), weights, activation, gate } as const;
      return recording.activations(operation, x.rows, x.columns);
    },

    selectRows: (x, rows) => {
      const node = recording.live.get(x);
      assertIndices('select rows', 'row indices', rows, x.rows);
      if (rows.length === x.rows && rows.every((row, index) => row === index)) {
        return recording.live.add({ rows: x.rows, columns: x.columns }, node);
      }
      return recording.activations({ kind: 'select', x: node, rows: rows.slice() }, rows.length, x.columns);
    },

    read: async (x) => new Float32Array(await recording.read(recording.live.get(x))),

    readRouting: async (routing) => {
      const node = recording.routings.get(routing);
      const bytes = await recording.read(node);
      const { tokens, expertsPerToken } = routing;
      const slots = tokens * expertsPerToken;
      return {
        tokens,
        expertsPerToken,
        expertIndices: new Int32Array(bytes, 0, slots).slice(),
        expertWeights: new Float32Array(bytes, 4 * slots, slots).slice(),
      };
    },
  };
}
