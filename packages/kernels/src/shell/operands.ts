// The table of operations: what each is given inside a backend.
// A new operation is a method of `Step`, an entry of `Operands`, one of `inputsOf`, and one of the checked operations.
//
// Shapes: T tokens, D hidden, N rows, K columns, H heads, C head dimension, CV value dimension, E experts, A experts per token.
import type { RouteSpec } from '@moeq/router';
import type { Activation } from '../activation.js';
import type {
  AttentionSpec,
  ConvolutionSpec,
  DeltaRuleSpec,
  LatentSpec,
  ScanInputs,
  ScanSpec,
  Segment,
  StateSegment,
} from '../step.js';
import type { BackendTypes } from './objects.js';

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
  /** Gates [T, F], and ups from column `first` of wider rows on -> [T, F] */
  multiplyGated: {
    readonly x: T['node'];
    readonly ups: T['node'];
    readonly first: number;
    readonly activation: Activation;
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
  multiplyGated: <Node>({ x, ups }: { readonly x: Node; readonly ups: Node }) => [...new Set([x, ups])],
  select: onlyX,
};
