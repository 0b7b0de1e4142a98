// The options of the one decoder, as data: what an architecture makes of its configuration file.
import type { Activation } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import type { CarriedConfig } from './carried-states.js';
import type { LayerInputConfig } from './layer-inputs.js';
import type { MixerConfig } from './mixers.js';

export interface DecoderConfig {
  /** E.g. `mixtral`; for people. */
  readonly architecture: string;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: readonly LayerConfig[];
  /** Tokens that the model was made for; prompts and generation are held within. */
  readonly contextLength: number;
  /** Where sparse attention selects beyond so many tokens, and the context ends there; absent: it does not. */
  readonly selectionLength?: number;
  /** The final norm; those within mixers have its epsilon, and files hold their weights as they hold its own. */
  readonly norm: NormConfig;
  /** Factor on embeddings; 1 except in GraniteMoE. */
  readonly embeddingScale: number;
  /** Factor on the logits; 1 except in GraniteMoE, which divides by `logits_scaling`. */
  readonly logitsScale: number;
  /** Logits l become cap * tanh(l / cap), after the factor; absent: they stay. */
  readonly logitsCap?: number;
  /** The head is the embedding table. */
  readonly tiedHead: boolean;
  readonly headBias: boolean;
  /** What layers read besides the hidden state, one of a kind at most; nothing unless given. */
  readonly carried?: readonly CarriedConfig[];
}

/** Of the hidden size: an RMS norm, arXiv:1910.07467, or a layer norm, arXiv:1607.06450. */
export interface NormConfig {
  readonly kind: 'rms' | 'layer';
  readonly epsilon: number;
  /** How files hold its weights: as they are, less one (Qwen3-Next), or not at all where they are all one. */
  readonly weight: 'plain' | 'lessOne' | 'none';
  readonly bias: boolean;
}

/**
 * One layer: its blocks, one after the other, with one mixer, one MLP of each kind and one input at most. Layers that are alike
 * share the objects.
 */
export interface LayerConfig {
  readonly blocks: readonly BlockConfig[];
  /** Whether a stored number multiplies what the layer gives, behind a norm of its last block (Gemma 4); no unless given. */
  readonly scaled?: boolean;
}

/** `x + residualScale * branch(x)` */
export type BlockConfig = BranchConfig & {
  /** 1 except in GraniteMoE. */
  readonly residualScale: number;
};

/** `postNorm(body(norm(x)))`, each norm where there is one. */
export type BranchConfig = BranchBody & {
  readonly norm: LayerNormConfig | null;
  readonly postNorm: LayerNormConfig | null;
};

/** A mixer of tokens, an MLP, an input of the layer's own that the decoder carries, or the sum of branches that read the same. */
type BranchBody =
  | { readonly mixer: MixerConfig }
  | { readonly mlp: MlpConfig }
  | { readonly layerInput: LayerInputConfig }
  | { readonly sum: readonly BranchConfig[] };

/** A norm in a layer, and the slot of its weights: what names, files and checks know it by. */
export interface LayerNormConfig extends NormConfig {
  readonly slot: NormSlot;
}

/**
 * Before and after a mixer or an MLP; four of a dense MLP and of experts that are summed, and of their router; after a layer's
 * input.
 */
export type NormSlot =
  | 'mixerNorm'
  | 'mixerPostNorm'
  | 'mlpNorm'
  | 'mlpPostNorm'
  | 'densePostNorm'
  | 'routerNorm'
  | 'expertNorm'
  | 'expertPostNorm'
  | 'layerInputPostNorm';

export type MlpConfig = MoeConfig | DenseConfig;

/** One MLP: dense, shared or an expert. */
export interface FeedForward {
  readonly intermediateSize: number;
  /** Says too whether there is a gate. */
  readonly activation: Activation;
  /** Whether all of its matrices have one. */
  readonly bias: boolean;
}

export interface DenseConfig extends FeedForward {
  readonly kind: 'dense';
}

/** Experts, all alike. */
export interface MoeConfig extends FeedForward {
  readonly kind: 'moe';
  readonly route: RouteSpec;
  readonly routerBias: boolean;
  readonly correctionBias: boolean;
  /** Experts work on as many numbers that all of them share, made of the input, and what they give becomes the output. */
  readonly latentDim?: number;
  /** Whether a stored number of each expert multiplies its weight (Gemma 4); no unless given. */
  readonly expertScales?: boolean;
  /** What the router and the experts read, each normed by itself (Gemma 4); unless given both read the same. */
  readonly norms?: MoeNorms;
  /** null: no shared expert. */
  readonly shared: SharedExpert | null;
}

interface MoeNorms {
  readonly router: LayerNormConfig;
  readonly experts: LayerNormConfig;
  /** On what the router reads. */
  readonly routerFactor: number;
}

interface SharedExpert extends FeedForward {
  /** Factor on its output; 1 unless given. */
  readonly scale?: number;
  /** Its output times sigmoid(x · gate). */
  readonly outputGate: boolean;
}
