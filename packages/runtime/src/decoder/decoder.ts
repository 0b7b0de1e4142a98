// The decoder: one forward pass over a batch of sequences, for every architecture and every backend. What an architecture
// needs is an option in its configuration or a weight that may be absent, never a copy of this file. What a layer does is in
// its blocks.
//
// Shapes: T tokens of the step, of all sequences together; D hidden, V vocabulary, A experts per token, R rows whose logits
// are wanted.
import type { Activations, RoutingHandle, RowNormSpec, Step, Vector, Weight } from '@moeq/kernels';
import type { LayerPlace } from '../caches/layer-cache.js';
import { type Block, type BlockOutput, type DecoderLayer, type PlacedBlock, runBranch } from './block.js';
import type { Carried } from './carried.js';
import { carriedRows, type LoadedCarried, makeCarried } from './carried-states.js';

export interface Decoder {
  readonly embedding: Weight; // [V, D]
  readonly embeddingScale: number;
  /** What the layers are given besides the hidden state. */
  readonly carried: readonly LoadedCarried[];
  /** Of all layers in order: those up to the last mixer, and those behind it, which take each token by itself. */
  readonly mixing: readonly PlacedBlock[];
  readonly behind: readonly PlacedBlock[];
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
  /** What the router chose in each MoE layer; behind the last mixer for the rows whose logits are wanted, if any. */
  readonly routings: readonly { readonly layer: number; readonly routing: RoutingHandle }[]; // [T or R, A]
}

/**
 * Issues one pass over the layers; what they keep of the batch goes into its caches. Behind the last mixer nothing depends on
 * other tokens, so that what follows runs for the rows whose logits are wanted. Nothing is read or awaited.
 */
export function forward(step: Step, decoder: Decoder, { ids, places, rows }: Batch): ForwardResult {
  const routings: { layer: number; routing: RoutingHandle }[] = [];
  const run = (blocks: readonly PlacedBlock[], x: Activations, carried: Carried): Activations => {
    let hidden = x;
    for (const { block, layer, cacheLayer } of blocks) {
      const ran = runBlock(step, hidden, block, places.get(cacheLayer) ?? null, carried);
      hidden = ran.output;
      if (ran.routing !== null) routings.push({ layer, routing: ran.routing });
    }
    return hidden;
  };

  const embedded = step.embed(decoder.embedding, ids, decoder.embeddingScale); // [T, D]
  const carried = makeCarried(step, decoder.carried, ids, embedded);
  const x = run(decoder.mixing, embedded, carried); // [T, D]
  if (rows !== 'all' && rows.length === 0) return { logits: null, routings };
  const last =
    rows === 'all'
      ? run(decoder.behind, x, carried)
      : run(decoder.behind, step.selectRows(x, rows), carriedRows(step, carried, rows)); // [R, D]
  return { logits: runHead(step, last, decoder), routings }; // [R, V]
}

/** One layer; `x` [T, D] must not be used again. */
export function runLayer(
  step: Step,
  x: Activations,
  layer: DecoderLayer,
  place: LayerPlace | null,
  carried: Carried,
): BlockOutput {
  let output = x;
  let routing: RoutingHandle | null = null;
  for (const block of layer.blocks) {
    const ran = runBlock(step, output, block, place, carried);
    output = ran.output;
    routing = ran.routing ?? routing;
  }
  return { output, routing };
}

/** `x` must not be used again. */
function runBlock(
  step: Step,
  x: Activations,
  block: Block,
  place: LayerPlace | null,
  carried: Carried,
): BlockOutput {
  const { output, routing } = runBranch(step, x, block, place, carried); // [T, D]
  const { keep, residualScale } = block;
  return { output: keep === 1 ? step.add(x, output, residualScale) : step.add(output, x, keep), routing };
}

/** Logits [R, V] of hidden states [R, D]. */
export function runHead(
  step: Step,
  x: Activations,
  { finalNorm, head, headBias, logitsCap }: LoadedHead,
): Activations {
  return step.linear(step.norm(x, finalNorm), head, headBias, logitsCap);
}
