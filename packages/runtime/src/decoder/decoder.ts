// The decoder: one forward pass over a batch of sequences, for every architecture and every backend. What an architecture
// needs is an option in its configuration or a weight that may be absent, never a copy of this file. What a layer does is in
// its blocks.
//
// Shapes: T tokens of the step, of all sequences together; D hidden, V vocabulary, A experts per token, R rows whose logits
// are wanted.
import type { Activations, RoutingHandle, RowNormSpec, Step, Vector, Weight } from '@moeq/kernels';
import type { LayerPlace } from '../caches/layer-cache.js';
import { type BlockOutput, type DecoderLayer, runBranch } from './block.js';

export interface Decoder {
  readonly embedding: Weight; // [V, D]
  readonly embeddingScale: number;
  readonly layers: readonly DecoderLayer[];
  /** Its weight and bias hold the factor on the logits too. */
  readonly finalNorm: RowNormSpec; // [D]
  readonly head: Weight; // [V, D]
  /** Times the factor on the logits. */
  readonly headBias: Vector | undefined; // [V]
  /** undefined: none. */
  readonly logitsCap: number | undefined;
}

/** What makes logits of hidden states. */
export type LoadedHead = Pick<Decoder, 'finalNorm' | 'head' | 'headBias' | 'logitsCap'>;

/** What one step runs: new tokens of one sequence or of several, one below the other. */
export interface Batch {
  readonly ids: Int32Array; // [T]
  /** By layer: where its sequences keep what it needs of them; none of a layer that keeps nothing. */
  readonly places: ReadonlyMap<number, LayerPlace>;
  /** Rows whose logits are wanted; `all` of them, or none where empty. */
  readonly rows: Int32Array | 'all'; // [R]
}

export interface ForwardResult {
  /** null: no rows were wanted. */
  readonly logits: Activations | null; // [R, V]
  /** What the router chose in each MoE layer. */
  readonly routings: readonly { readonly layer: number; readonly routing: RoutingHandle }[]; // [T, A]
}

/** Issues one pass over the layers; what they keep of the batch goes into its caches. Nothing is read or awaited. */
export function forward(step: Step, decoder: Decoder, batch: Batch): ForwardResult {
  const routings: { layer: number; routing: RoutingHandle }[] = [];

  let x = step.embed(decoder.embedding, batch.ids, decoder.embeddingScale); // [T, D]
  for (const [index, layer] of decoder.layers.entries()) {
    const { output, routing } = runLayer(step, x, layer, batch.places.get(index) ?? null);
    x = output; // [T, D]
    if (routing !== null) routings.push({ layer: index, routing });
  }

  if (batch.rows !== 'all' && batch.rows.length === 0) return { logits: null, routings };
  const last = batch.rows === 'all' ? x : step.selectRows(x, batch.rows); // [R, D]
  return { logits: runHead(step, last, decoder), routings }; // [R, V]
}

/** One layer; `x` [T, D] must not be used again. */
export function runLayer(
  step: Step,
  x: Activations,
  layer: DecoderLayer,
  place: LayerPlace | null,
): BlockOutput {
  let output = x;
  let routing: RoutingHandle | null = null;
  for (const block of layer.blocks) {
    const ran = runBranch(step, output, block, place); // [T, D]
    output =
      block.keep === 1
        ? step.add(output, ran.output, block.residualScale)
        : step.add(ran.output, output, block.keep);
    routing = ran.routing ?? routing;
  }
  return { output, routing };
}

/** Logits [R, V] of hidden states [R, D]. */
export function runHead(
  step: Step,
  x: Activations,
  { finalNorm, head, headBias, logitsCap }: LoadedHead,
): Activations {
  return step.linear(step.norm(x, finalNorm), head, headBias, logitsCap);
}
