// The options of the one decoder, as data: what an architecture makes of its configuration file.
import type { Activation } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import type { MixerConfig } from './mixers.js';

export interface DecoderConfig {
  /** E.g. `mixtral`; for people. */
  readonly architecture: string;
  readonly vocabularySize: number;
  readonly hiddenSize: number;
  readonly layers: readonly LayerConfig[];
  /** Tokens that the model was made for; prompts and generation are held within. */
  readonly contextLength: number;
  /** The final norm; those within mixers have its epsilon, and files hold their weights as they hold its own. */
  readonly norm: NormConfig;
  /** Factor on embeddings; 1 except in GraniteMoE. */
  readonly embeddingScale: number;
  /** Factor on the logits; 1 except in GraniteMoE, which divides by `logits_scaling`. */
  readonly logitsScale: number;
  /** The head is the embedding table. */
  readonly tiedHead: boolean;
  readonly headBias: boolean;
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
 * One layer: its blocks, one after the other, with one mixer and one MLP of each kind at most. Layers that are alike share
 * the objects.
 */
export interface LayerConfig {
  readonly blocks: readonly BlockConfig[];
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

/** A mixer of tokens, an MLP, or the sum of branches that all read the same. */
type BranchBody =
  | { readonly mixer: MixerConfig }
  | { readonly mlp: MlpConfig }
  | { readonly sum: readonly BranchConfig[] };

/** A norm in a layer, and the slot of its weights: what names, files and checks know it by. */
export interface LayerNormConfig extends NormConfig {
  readonly slot: NormSlot;
}

/** Before and after a mixer or an MLP; the last three of a dense MLP and of experts that are summed. */
export type NormSlot =
  | 'mixerNorm'
  | 'mixerPostNorm'
  | 'mlpNorm'
  | 'mlpPostNorm'
  | 'densePostNorm'
  | 'expertNorm'
  | 'expertPostNorm';

export type MlpConfig = MoeConfig | DenseConfig;

/** Rotary position embedding; Su et al., arXiv 2104.09864. */
export interface RopeConfig {
  readonly theta: number;
  readonly rotatedDim: number;
  readonly style: 'halves' | 'interleaved';
  /** How frequencies are changed for contexts longer than those of training; absent: not at all. */
  readonly scaling?: RopeScaling;
}

/**
 * The rules of transformers (modeling_rope_utils.py), their defaults filled in. Lengths are tokens; `originalLength` is that
 * of training.
 */
export type RopeScaling =
  /** All frequencies divided. */
  | { readonly kind: 'linear'; readonly factor: number }
  /** Low frequencies divided, high ones kept, those between blended by wavelength; Llama 3.1. */
  | {
      readonly kind: 'llama3';
      readonly factor: number;
      readonly originalLength: number;
      readonly lowFrequencyFactor: number;
      readonly highFrequencyFactor: number;
    }
  /** Theta grows with the sequence where that is longer than the original (NTK-aware). */
  | { readonly kind: 'dynamic'; readonly factor: number; readonly originalLength: number }
  /** Low frequencies divided, high ones kept, a ramp over dimensions between; YaRN, Peng et al., arXiv 2309.00071. */
  | {
      readonly kind: 'yarn';
      readonly factor: number;
      readonly originalLength: number;
      readonly betaFast: number;
      readonly betaSlow: number;
      /** The ramp begins and ends at whole dimensions. */
      readonly truncate: boolean;
      readonly attentionFactor: number;
    }
  /** Each frequency divided by a factor of its own, another one beyond the original length; LongRoPE, arXiv 2402.13753. */
  | {
      readonly kind: 'longrope';
      readonly originalLength: number;
      /** rotated / 2 each. */
      readonly shortFactors: readonly number[];
      readonly longFactors: readonly number[];
      readonly attentionFactor: number;
    };

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
  /** null: no shared expert. */
  readonly shared: SharedExpert | null;
}

interface SharedExpert extends FeedForward {
  /** Factor on its output; 1 unless given. */
  readonly scale?: number;
  /** Its output times sigmoid(x · gate). */
  readonly outputGate: boolean;
}
