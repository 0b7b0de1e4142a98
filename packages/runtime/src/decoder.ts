// The decoder: one forward pass over a batch of sequences, for every architecture and every backend. What an architecture
// needs is an option in its configuration or a weight that may be absent, never a copy of this file.
//
// Shapes: T tokens of the step, of all sequences together; D hidden, V vocabulary, H heads, HK key/value heads, C head
// dimension, E experts, A experts per token, F intermediate, R rows whose logits are wanted.
import type {
  Activation,
  Activations,
  AttentionSpec,
  ExpertWeights,
  KvCache,
  MlpWeights,
  NormSpec,
  RoutingHandle,
  Segment,
  Step,
  Vector,
  Weight,
} from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';

export interface Decoder {
  readonly embedding: Weight; // [V, D]
  readonly embeddingScale: number;
  readonly layers: readonly DecoderLayer[];
  readonly residualScale: number;
  /** Its weight holds the factor on the logits too. */
  readonly finalNorm: NormSpec; // [D]
  readonly head: Weight; // [V, D]
}

export interface DecoderLayer {
  readonly attentionNorm: NormSpec; // [D]
  /** Queries, keys and values in one. */
  readonly qkv: Projection; // [(H + 2 HK) C, D]
  readonly attention: AttentionSpec;
  readonly output: Projection; // [D, H C]
  readonly mlpNorm: NormSpec; // [D]
  readonly mlp: DenseMlp | MoeMlp;
}

export interface Projection {
  readonly weight: Weight;
  readonly bias: Vector | undefined;
}

export interface DenseMlp {
  readonly kind: 'dense';
  readonly weights: MlpWeights;
  readonly activation: Activation;
}

export interface MoeMlp {
  readonly kind: 'moe';
  readonly router: Weight; // [E, D]
  readonly route: RouteSpec;
  readonly correctionBias: Vector | undefined; // [E]
  readonly experts: ExpertWeights;
  readonly shared: { readonly weights: MlpWeights; readonly gate: Weight | undefined } | undefined; // gate [1, D]
  readonly activation: Activation;
}

/** What one step runs: new tokens of one sequence or of several, one below the other. */
export interface Batch {
  readonly ids: Int32Array; // [T]
  readonly segments: readonly Segment[];
  /** Rows whose logits are wanted; `all` of them, or none where empty. */
  readonly rows: Int32Array | 'all'; // [R]
}

export interface ForwardResult {
  /** null: no rows were wanted. */
  readonly logits: Activations | null; // [R, V]
  /** What the router chose in each MoE layer. */
  readonly routings: readonly { readonly layer: number; readonly routing: RoutingHandle }[]; // [T, A]
}

/** Issues one pass over the layers; keys and values of the batch go into `cache`. Nothing is read or awaited. */
export function forward(step: Step, decoder: Decoder, cache: KvCache, batch: Batch): ForwardResult {
  const { residualScale } = decoder;
  const routings: { layer: number; routing: RoutingHandle }[] = [];

  let x = step.embed(decoder.embedding, batch.ids, decoder.embeddingScale); // [T, D]
  for (const [index, layer] of decoder.layers.entries()) {
    const place = { cache, layer: index, segments: batch.segments };
    const { output, routing } = runLayer(step, x, layer, place, residualScale);
    x = output; // [T, D]
    if (routing !== null) routings.push({ layer: index, routing });
  }

  if (batch.rows !== 'all' && batch.rows.length === 0) return { logits: null, routings };
  const last = batch.rows === 'all' ? x : step.selectRows(x, batch.rows); // [R, D]
  return { logits: runHead(step, last, decoder), routings }; // [R, V]
}

/** Where a layer's keys and values go, and whose they are. */
export interface LayerPlace {
  readonly cache: KvCache;
  /** Of the cache. */
  readonly layer: number;
  readonly segments: readonly Segment[];
}

/** One layer; `x` [T, D] must not be used again. */
export function runLayer(
  step: Step,
  x: Activations,
  layer: DecoderLayer,
  { cache, layer: place, segments }: LayerPlace,
  residualScale: number,
): { output: Activations; routing: RoutingHandle | null } {
  const qkv = project(step, step.rmsNorm(x, layer.attentionNorm), layer.qkv); // [T, (H + 2 HK) C]
  const heads = step.attention(qkv, cache, place, segments, layer.attention); // [T, H C]
  const attended = step.add(x, project(step, heads, layer.output), residualScale); // [T, D]

  const normed = step.rmsNorm(attended, layer.mlpNorm); // [T, D]
  const { output, routing } =
    layer.mlp.kind === 'moe'
      ? mixture(step, normed, layer.mlp)
      : { output: step.mlp(normed, layer.mlp.weights, layer.mlp.activation), routing: null };
  return { output: step.add(attended, output, residualScale), routing };
}

/** Logits [R, V] of hidden states [R, D]. */
export function runHead(
  step: Step,
  x: Activations,
  { finalNorm, head }: Pick<Decoder, 'finalNorm' | 'head'>,
): Activations {
  return step.linear(step.rmsNorm(x, finalNorm), head);
}

function mixture(step: Step, x: Activations, moe: MoeMlp): { output: Activations; routing: RoutingHandle } {
  const routing = step.route(step.linear(x, moe.router), moe.route, moe.correctionBias); // [T, E] -> [T, A]
  const routed = step.experts(x, routing, moe.experts, moe.activation); // [T, D]
  if (moe.shared === undefined) return { output: routed, routing };
  const shared = step.mlp(x, moe.shared.weights, moe.activation, moe.shared.gate); // [T, D]
  return { output: step.add(routed, shared), routing };
}

function project(step: Step, x: Activations, { weight, bias }: Projection): Activations {
  return step.linear(x, weight, bias);
}
