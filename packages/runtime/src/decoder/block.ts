// What the decoder runs: layers of blocks, each a mixer, an MLP or a layer's input between its norms. How a kind of mixer is
// loaded and run is known to its own file alone.
//
// Shapes: T tokens of the step, of all sequences together; D hidden, N rows, K columns, A experts per token.
import type {
  Activations,
  HeadWeights,
  RoutingHandle,
  RowNormSpec,
  Step,
  Vector,
  Weight,
} from '@moeq/kernels';
import type { Projection, Role } from '@moeq/tensors';
import type { CacheNeed, LayerPlace } from '../caches/layer-cache.js';
import type { RopeConfig } from '../rotation/rope-config.js';
import type { Carried } from './carried.js';

export interface BlockOutput {
  readonly output: Activations; // [T, D]
  /** What a router chose; null where there is none. */
  readonly routing: RoutingHandle | null; // [T, A]
}

/**
 * Issues the operations of a mixer, an MLP or a layer's input on normed inputs [T, D].
 * @param place null in a layer that keeps nothing of a sequence
 * @param carried what the decoder gives to all layers besides
 */
export type BlockRun = (
  step: Step,
  x: Activations,
  place: LayerPlace | null,
  carried: Carried,
) => BlockOutput;

/** `postNorm(run(norm(x)))`, each norm where there is one. */
export interface Branch {
  readonly norm: RowNormSpec | null; // [D]
  readonly run: BlockRun;
  readonly postNorm: RowNormSpec | null; // [D]
}

/** `keep * x + residualScale * branch(x)`; one of both is 1. */
export interface Block extends Branch {
  readonly keep: number;
  readonly residualScale: number;
}

/** A block of a decoder. */
export interface PlacedBlock {
  readonly block: Block;
  /** Whose block it is. */
  readonly layer: number;
  /** As `DecoderLayer` has it. */
  readonly cacheLayer: number;
}

export interface DecoderLayer {
  readonly blocks: readonly Block[];
  /** The layer that keeps what this one reads of sequences: itself, or one before. */
  readonly cacheLayer: number;
}

/** @param x [T, D], which stays as it is */
export function runBranch(
  step: Step,
  x: Activations,
  { norm, run, postNorm }: Branch,
  place: LayerPlace | null,
  carried: Carried,
): BlockOutput {
  const { output, routing } = run(step, norm === null ? x : step.norm(x, norm), place, carried);
  return { output: postNorm === null ? output : step.norm(output, postNorm), routing };
}

/** Runs branches on the same input and adds up what they give. @param branches at least one */
export function sumOf(branches: readonly Branch[]): BlockRun {
  return (step, x, place, carried) =>
    branches
      .map((branch) => runBranch(step, x, branch, place, carried))
      .reduce((sum, { output, routing }) => ({
        output: step.add(sum.output, output),
        routing: sum.routing ?? routing,
      }));
}

/** Weights of one layer by slot, checked against the table of tensors, into a backend's memory. */
export interface LayerLoader<Slot extends string> {
  /** Whether the layer has such a tensor, by its configuration. */
  has(slot: Slot): boolean;
  /** One weight [N, K] of the matrices of all slots, one below the other. */
  matrix(slots: readonly Slot[]): Promise<Weight>;
  /** The vectors of all slots, one after the other. */
  vector(slots: readonly Slot[]): Promise<Vector>;
  /** The weights of a norm. */
  norm(slot: Slot): Promise<Vector>;
  /** A matrix whose rows are divided over so many heads. */
  heads(slot: Slot, heads: number): Promise<HeadWeights>;
}

/** A tensor of the layers that have a kind of mixer. */
export interface MixerTensor<Config> {
  readonly role: Role;
  readonly projection?: Projection;
  /** [N, K] of a matrix, [N] of a vector; null where a layer has no such tensor. */
  shape(config: Config, hidden: number): readonly number[] | null;
}

/** A kind of mixer: its tensors, how it is loaded and run, and what it takes. */
export interface Mixer<Config, Slot extends string> {
  readonly tensors: Readonly<Record<Slot, MixerTensor<Config>>>;
  /** Slots of tensors that are loaded as one weight or vector, those that a layer may not have included. */
  readonly parts: Readonly<Record<string, readonly Slot[]>>;
  /** Heads by slot of matrices whose rows are divided over heads; none unless given. */
  headsOf?(config: Config): Readonly<Partial<Record<Slot, number>>>;
  /** @param epsilon of norms within the mixer */
  load(loader: LayerLoader<Slot>, config: Config, epsilon: number): Promise<BlockRun>;
  /** What a layer keeps of a sequence, unless it reads what an earlier one keeps. */
  cache(config: Config): CacheNeed;
  /** The layer before that keeps, as `cache` says it, what this one reads; null, or absent: it keeps its own. */
  cacheOf?(config: Config): number | null;
  /** Numbers of activations of a token, all that a step may hold at once. */
  activationsPerToken(config: Config): number;
  /** How it rotates, null where a layer does not; absent in mixers that know no positions. */
  rope?(config: Config): RopeConfig | null;
}
