// Options of rotary position embedding, as an architecture makes them of its configuration file.

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
  /** Only a share of the pairs turns, those that turn fastest; exponents are over all (Gemma 4). */
  | { readonly kind: 'proportional'; readonly share: number }
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
