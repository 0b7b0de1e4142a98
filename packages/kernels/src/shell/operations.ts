// The table of operations: what each is given inside a backend, and how the operands of a caller become that, checked.
// A new operation is a method of `Step`, an entry of `Operands`, one of `inputsOf`, and one of `checkedOperations`.
//
// Shapes: T tokens, D hidden, N rows, K columns, H heads, C head dimension, CV value dimension, E experts, A experts per token.
import type { RouteSpec } from '@moeq/router';
import { validateRouteSpec } from '@moeq/router';
import { MoeqError } from '@moeq/tensors';
import { type Activation, assertActivation } from '../activation.js';
import { attentionRow } from '../attention-row.js';
import { latentWidths } from '../latent-shapes.js';
import type { Vector } from '../resources.js';
import { type ScanWidths, scanWidths } from '../scan-shapes.js';
import {
  assertColumns,
  assertGroups,
  assertIndices,
  assertSize,
  attentionWidths,
  convolutionChannels,
  deltaRuleWidths,
  inputColumns,
} from '../shapes.js';
import type {
  Activations,
  AttentionSpec,
  Columns,
  ConvolutionSpec,
  DeltaRuleSpec,
  LatentSpec,
  RoutingHandle,
  ScanInputs,
  ScanSpec,
  Segment,
  StateSegment,
  Step,
} from '../step.js';
import type { Handles } from './handles.js';
import type { BackendObjects, BackendTypes } from './objects.js';
import { SegmentCopies } from './segments.js';
import { StateSegmentCopies } from './state-segments.js';

/** Results, and the columns from which on they are read. */
export type ScanColumns<Node> = {
  readonly [Name in keyof ScanInputs]: { readonly node: Node; readonly first: number };
};

/** Operands by kind of operation, on the types of a backend. Arrays belong to the operation. */
interface Operands<T extends BackendTypes> {
  /** -> [rows, columns] as given */
  input: { readonly values: Float32Array };
  /** -> [T, D] */
  embed: { readonly table: T['weight']; readonly ids: Int32Array; readonly scale: number };
  /** [T, D], or from column `first` of wider rows -> [T, D] */
  norm: {
    readonly x: T['node'];
    readonly first: number;
    readonly groups: number;
    readonly weight: T['vector'];
    readonly epsilon: number;
    readonly centred: boolean;
    readonly bias: T['vector'] | null;
  };
  /** [T, K] -> [T, N] */
  linear: {
    readonly x: T['node'];
    readonly weight: T['weight'];
    readonly bias: T['vector'] | null;
    /** 0: none. */
    readonly cap: number;
  };
  /** a + scale * b */
  add: { readonly a: T['node']; readonly b: T['node']; readonly scale: number };
  /** [T, (H + HK) C + HK CV] -> [T, H CV] */
  attention: {
    readonly x: T['node'];
    readonly cache: T['cache'];
    readonly layer: number;
    readonly segments: readonly Segment[];
    readonly spec: AttentionSpec;
    readonly norms: { readonly query: T['vector'] | null; readonly key: T['vector'] | null };
    readonly sinks: T['vector'] | null;
  };
  /** [T, H (N + P)] and [T, R + P] -> [T, H V] */
  latentAttention: {
    readonly queries: T['node'];
    readonly latents: T['node'];
    readonly expansion: T['heads'];
    readonly cache: T['cache'];
    readonly layer: number;
    readonly segments: readonly Segment[];
    readonly spec: LatentSpec;
    /** Of the latents. */
    readonly norm: T['vector'];
  };
  /** [T, C], gated [T, 3 C] -> [T, C] */
  convolution: {
    readonly x: T['node'];
    readonly weight: T['vector'];
    readonly cache: T['state'];
    readonly layer: number;
    readonly segments: readonly StateSegment[];
    readonly spec: Required<Omit<ConvolutionSpec, 'bias' | 'first'>>;
    readonly bias: T['vector'] | null;
  };
  /** -> [T, H P] */
  selectiveScan: {
    readonly inputs: ScanColumns<T['node']>;
    readonly parameters: T['vector'];
    readonly cache: T['state'];
    readonly layer: number;
    readonly segments: readonly StateSegment[];
    readonly spec: ScanSpec;
  };
  /** [T, 2 HK C + H CV] -> [T, H CV] */
  deltaRule: {
    readonly x: T['node'];
    readonly beta: T['node'];
    readonly decay: T['node'];
    readonly gate: T['node'];
    readonly weights: T['vector'];
    readonly cache: T['state'];
    readonly layer: number;
    readonly segments: readonly StateSegment[];
    readonly spec: DeltaRuleSpec;
  };
  /** [T, E] -> Int32 [T, A], then Float32 [T, A] */
  route: {
    readonly x: T['node'];
    readonly spec: RouteSpec;
    readonly bias: T['vector'] | null;
    readonly scales: T['vector'] | null;
  };
  /** [T, D] -> [T, D] */
  experts: {
    readonly x: T['node'];
    readonly routing: T['node'];
    readonly weights: T['experts'];
    readonly activation: Activation;
  };
  /** [T, D] -> [T, D] */
  mlp: {
    readonly x: T['node'];
    readonly weights: T['mlp'];
    readonly activation: Activation;
    readonly gate: T['weight'] | null;
  };
  /** [T, D] -> [rows, D] */
  select: { readonly x: T['node']; readonly rows: Int32Array };
}

export type OperationKind = keyof Operands<BackendTypes>;

/** An operation of one kind, or of any of several. */
export type OperationOf<T extends BackendTypes, Kind extends OperationKind> = {
  [Each in Kind]: { readonly kind: Each } & Operands<T>[Each];
}[Kind];

export type Operation<T extends BackendTypes> = OperationOf<T, OperationKind>;

/** One function for every kind of operation. */
export type OperationTable<T extends BackendTypes, Rest extends readonly unknown[], Result> = {
  readonly [Kind in OperationKind]: (operation: OperationOf<T, Kind>, ...rest: Rest) => Result;
};

/** The results of earlier operations that an operation reads. */
export function inputsOf<T extends BackendTypes, Kind extends OperationKind>(
  operation: OperationOf<T, Kind>,
): readonly T['node'][] {
  const inputs: OperationTable<T, [], readonly T['node'][]> = inputTable;
  return inputs[operation.kind](operation);
}

const noInput = () => [];
const onlyX = <Node>({ x }: { readonly x: Node }) => [x];
const inputTable = {
  input: noInput,
  embed: noInput,
  norm: onlyX,
  linear: onlyX,
  add: <Node>({ a, b }: { readonly a: Node; readonly b: Node }) => [a, b],
  attention: onlyX,
  latentAttention: <Node>({ queries, latents }: { readonly queries: Node; readonly latents: Node }) => [
    queries,
    latents,
  ],
  convolution: onlyX,
  selectiveScan: <Node>({ inputs: { x, bc, timeStep, gate } }: { readonly inputs: ScanColumns<Node> }) => [
    ...new Set([x.node, bc.node, timeStep.node, gate.node]),
  ],
  deltaRule: <Node>({ x, beta, decay, gate }: Readonly<Record<'x' | 'beta' | 'decay' | 'gate', Node>>) => [
    ...new Set([x, beta, decay, gate]),
  ],
  route: onlyX,
  experts: <Node>({ x, routing }: { readonly x: Node; readonly routing: Node }) => [x, routing],
  mlp: onlyX,
  select: onlyX,
};

/** What a step has handed out. */
export interface StepNodes<T extends BackendTypes> {
  readonly live: Handles<Activations, T['node']>;
  readonly routings: Handles<RoutingHandle, T['node']>;
  /** @throws MoeqError `stepEnded` */
  checkOpen(): void;
  record<Kind extends OperationKind>(
    operation: OperationOf<T, Kind>,
    rows: number,
    columns: number,
  ): T['node'];
}

/** The operations of the contract: each finds what is behind its operands, compares their shapes and records. */
export function checkedOperations<T extends BackendTypes>(
  objects: BackendObjects<T>,
  { live, routings, checkOpen, record }: StepNodes<T>,
): Omit<Step, 'read' | 'readRouting'> {
  const segmentCopies = new SegmentCopies();
  const stateCopies = new StateSegmentCopies();

  const nodeOf = (x: Activations): T['node'] => {
    checkOpen();
    return live.get(x);
  };
  const vector = (operation: string, subject: string, length: number, handle: Vector): T['vector'] => {
    const data = objects.vectors.get(handle);
    assertSize(operation, subject, length, handle.length);
    return data;
  };
  const keep = <Kind extends OperationKind>(
    operation: OperationOf<T, Kind>,
    rows: number,
    columns: number,
  ): Activations => live.add({ rows, columns }, record(operation, rows, columns));

  return {
    input(values, rows) {
      checkOpen();
      const columns = inputColumns(values.length, rows);
      return keep({ kind: 'input', values: values.slice() }, rows, columns);
    },

    embed(handle, ids, scale = 1) {
      checkOpen();
      const table = objects.weights.get(handle);
      assertIndices('embed', 'token ids', ids, handle.rows);
      return keep({ kind: 'embed', table, ids: ids.slice(), scale }, ids.length, handle.columns);
    },

    norm(x, { weight: handle, epsilon, centred = false, bias: added, first, groups = 1 }) {
      const node = nodeOf(x);
      const columns = first === undefined ? x.columns : handle.length;
      const weight = vector('norm', 'norm weights', columns, handle);
      const bias = added === undefined ? null : vector('norm', 'norm bias', columns, added);
      assertColumns('norm', 'columns of the activations', first ?? 0, columns, x.columns);
      assertGroups('norm', columns, groups);
      const operands = { weight, epsilon, centred, bias, first: first ?? 0, groups };
      return keep({ kind: 'norm', x: node, ...operands }, x.rows, columns);
    },

    linear(x, handle, added, cap = 0) {
      const node = nodeOf(x);
      const weight = objects.weights.get(handle);
      assertSize('multiply', 'columns of the activations', handle.columns, x.columns);
      const bias = added === undefined ? null : vector('multiply', 'bias', handle.rows, added);
      if (!(cap >= 0 && cap < Infinity))
        throw new MoeqError({
          code: 'mismatch',
          operation: 'multiply',
          subject: 'cap',
          expected: 'a finite number from 0',
          found: String(cap),
        });
      return keep({ kind: 'linear', x: node, weight, bias, cap }, x.rows, handle.rows);
    },

    add(a, b, scale = 1) {
      const left = nodeOf(a);
      const right = nodeOf(b);
      assertSize('add', 'rows', a.rows, b.rows);
      assertSize('add', 'columns', a.columns, b.columns);
      const sum = keep({ kind: 'add', a: left, b: right, scale }, a.rows, a.columns);
      live.delete(a);
      return sum;
    },

    attention(qkv, handle, layer, given, spec) {
      const x = nodeOf(qkv);
      const cache = objects.caches.get(handle);
      const { output } = attentionWidths(spec, handle.spec);
      const { columns } = attentionRow(spec, handle.spec.valueDim ?? spec.headDim);
      assertSize('attend', 'columns of qkv', columns, qkv.columns);
      assertIndices('attend', 'layer', [layer], handle.spec.layers);
      const segments = segmentCopies.take(given, qkv.rows, handle.spec, spec);
      const norms = {
        query: spec.queryNorm === undefined ? null : objects.vectors.get(spec.queryNorm.weight),
        key: spec.keyNorm === undefined ? null : objects.vectors.get(spec.keyNorm.weight),
      };
      const sinks = spec.sinks === undefined ? null : objects.vectors.get(spec.sinks);
      return keep({ kind: 'attention', x, cache, layer, segments, spec, norms, sinks }, qkv.rows, output);
    },

    latentAttention(queryRows, latentRows, handle, pages, layer, given, spec) {
      const queries = nodeOf(queryRows);
      const latents = nodeOf(latentRows);
      const expansion = objects.heads.get(handle);
      const cache = objects.caches.get(pages);
      const widths = latentWidths(spec, pages.spec, handle);
      assertSize('attend', 'columns of the queries', widths.queries, queryRows.columns);
      assertSize('attend', 'columns of the latents', widths.latents, latentRows.columns);
      assertSize('attend', 'rows of the queries', latentRows.rows, queryRows.rows);
      assertIndices('attend', 'layer', [layer], pages.spec.layers);
      const segments = segmentCopies.take(given, latentRows.rows, pages.spec, { rope: spec.rope });
      const norm = objects.vectors.get(spec.norm.weight);
      return keep(
        { kind: 'latentAttention', queries, latents, expansion, cache, layer, segments, spec, norm },
        latentRows.rows,
        widths.output,
      );
    },

    convolution(input, handle, states, layer, given, options) {
      const { taps, gated, first: at = 0, bias: added, silu = false } = options;
      const x = nodeOf(input);
      const cache = objects.states.get(states);
      const channels = convolutionChannels(options, states.spec, input.columns);
      const weight = vector('convolve', 'weights', channels * taps, handle);
      const bias = added === undefined ? null : vector('convolve', 'bias', channels, added);
      assertIndices('convolve', 'layer', [layer], states.spec.layers);
      const segments = stateCopies.take('convolve', given, input.rows, states.spec);
      const { columns = { groups: 1, parts: [{ at, stride: 0, width: channels }] } } = options;
      const spec = { taps, gated, silu, columns };
      return keep(
        { kind: 'convolution', x, weight, bias, cache, layer, segments, spec },
        input.rows,
        channels,
      );
    },

    selectiveScan(given, handle, states, layer, sequences, spec) {
      const rows = given.x.rows.rows;
      const widths: ScanWidths = scanWidths(spec, states.spec);
      const columns = ({ rows: handle, first }: Columns, what: string, width: number) => {
        const node = nodeOf(handle);
        assertSize('scan', `rows of ${what}`, rows, handle.rows);
        assertColumns('scan', `columns of ${what}`, first, width, handle.columns);
        return { node, first };
      };
      const inputs = {
        x: columns(given.x, 'x', widths.inner),
        bc: columns(given.bc, 'B and C', widths.bc),
        timeStep: columns(given.timeStep, 'the time steps', spec.heads),
        gate: columns(given.gate, 'the gates', widths.inner),
      };
      const parameters = vector('scan', 'parameters', widths.parameters, handle);
      const cache = objects.states.get(states);
      assertIndices('scan', 'layer', [layer], states.spec.layers);
      const segments = stateCopies.take('scan', sequences, rows, states.spec);
      return keep(
        { kind: 'selectiveScan', inputs, parameters, cache, layer, segments, spec },
        rows,
        widths.inner,
      );
    },

    deltaRule(qkv, inputs, handle, states, layer, given, spec) {
      const operation = 'apply the delta rule';
      const { beta, decay, gate } = inputs;
      const nodes = { x: nodeOf(qkv), beta: nodeOf(beta), decay: nodeOf(decay), gate: nodeOf(gate) };
      const cache = objects.states.get(states);
      const columns = { beta: beta.columns, decay: decay.columns, gate: gate.columns };
      const widths = deltaRuleWidths(spec, states.spec, columns);
      assertSize(operation, 'columns of qkv', widths.qkv, qkv.columns);
      for (const { rows } of [beta, decay, gate]) assertSize(operation, 'rows', qkv.rows, rows);
      const weights = vector(operation, 'weights', widths.weights, handle);
      assertIndices(operation, 'layer', [layer], states.spec.layers);
      const segments = stateCopies.take(operation, given, qkv.rows, states.spec);
      return keep(
        { kind: 'deltaRule', ...nodes, weights, cache, layer, segments, spec },
        qkv.rows,
        widths.output,
      );
    },

    route(logits, spec, correctionBias, given) {
      const x = nodeOf(logits);
      validateRouteSpec(spec);
      const { experts, expertsPerToken } = spec;
      assertSize('route', 'columns of the router logits', experts, logits.columns);
      const bias =
        correctionBias === undefined ? null : vector('route', 'correction bias', experts, correctionBias);
      const scales = given === undefined ? null : vector('route', 'scales', experts, given);
      const node = record({ kind: 'route', x, spec, bias, scales }, logits.rows, 2 * expertsPerToken);
      return routings.add({ tokens: logits.rows, expertsPerToken, experts }, node);
    },

    experts(x, chosen, handle, activation) {
      const node = nodeOf(x);
      const routing = routings.get(chosen);
      const weights = objects.experts.get(handle);
      assertSize('run experts', 'experts of the routing', handle.experts, chosen.experts);
      assertSize('run experts', 'tokens of the routing', x.rows, chosen.tokens);
      assertSize('run experts', 'columns of the activations', handle.hidden, x.columns);
      assertActivation('run experts', activation, handle.gated);
      return keep({ kind: 'experts', x: node, routing, weights, activation }, x.rows, x.columns);
    },

    mlp(x, handle, activation, outputGate) {
      const node = nodeOf(x);
      const weights = objects.mlps.get(handle);
      assertSize('run an MLP', 'columns of the activations', handle.hidden, x.columns);
      assertActivation('run an MLP', activation, handle.gated);
      const gate = outputGate === undefined ? null : objects.weights.get(outputGate);
      if (outputGate !== undefined) {
        assertSize('run an MLP', 'rows of the output gate', 1, outputGate.rows);
        assertSize('run an MLP', 'columns of the output gate', x.columns, outputGate.columns);
      }
      return keep({ kind: 'mlp', x: node, weights, activation, gate }, x.rows, x.columns);
    },

    selectRows(x, rows) {
      const node = nodeOf(x);
      assertIndices('select rows', 'row indices', rows, x.rows);
      if (rows.length === x.rows && rows.every((row, index) => row === index)) {
        return live.add({ rows: x.rows, columns: x.columns }, node);
      }
      return keep({ kind: 'select', x: node, rows: rows.slice() }, rows.length, x.columns);
    },
  };
}
