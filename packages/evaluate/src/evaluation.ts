// What an evaluation says, as data. Natural logarithms everywhere: nll and KL divergence are in nats.
import type { ExpertLoad } from '@moeq/router';

export interface Perplexity {
  /** Tokens that were scored: all but the first of each window. */
  readonly tokens: number;
  /** Mean over them of -log p(token | the tokens before it in its window). */
  readonly nll: number;
  /** exp(nll) */
  readonly perplexity: number;
}

export interface TextPerplexity extends Perplexity {
  readonly name: string;
}

/** The routed tokens of one layer; a token that several windows hold counts in the first. */
export interface LayerLoad extends ExpertLoad {
  readonly layer: number;
}

/** Means over the scored tokens by their place in the window; NaN where there is none, as at place 0. */
export interface ByPosition {
  /** Float64 [window] */
  readonly nll: Float64Array;
  /** Float64 [window]; empty without a baseline. */
  readonly klDivergence: Float64Array;
}

export interface Evaluation extends Perplexity {
  /** The model's name. */
  readonly model: string;
  readonly window: number;
  readonly stride: number;
  /** Each text by itself, in their order. */
  readonly texts: readonly TextPerplexity[];
  readonly byPosition: ByPosition;
  /** One entry an MoE layer. */
  readonly expertLoad: readonly LayerLoad[];
  /** null where there was no baseline. */
  readonly baseline: Comparison | null;
}

/** The baseline's own figures, and how far the model is from it on the same tokens. */
export interface Comparison extends Perplexity {
  readonly model: string;
  readonly texts: readonly (TextPerplexity & {
    /** Mean of KL(baseline || model). */
    readonly klDivergence: number;
  })[];
  /** Of KL(baseline || model) over the scored tokens. */
  readonly klDivergence: { readonly mean: number; readonly p99: number; readonly max: number };
  /** Share of the scored tokens for which both hold the same token most likely. */
  readonly top1Agreement: number;
  /**
   * Share of the tokens that go to the same set of experts in both, in each MoE layer and over all of them; 1 for a model
   * without experts.
   */
  readonly routerAgreement: {
    readonly mean: number;
    readonly perLayer: readonly { readonly layer: number; readonly agreement: number }[];
  };
  readonly expertLoad: readonly LayerLoad[];
}
