// The frequencies that pairs of dimensions turn by, from the options of a rotation: computed here once, for all backends.
// Computed in float64 and rounded at the end. After transformers, modeling_rope_utils.py.
//
// P = rotated / 2 pairs; pair i of an unscaled rotation turns by theta^(-2i / rotated) a position.
import type { RopeSpec } from '@moeq/kernels';
import type { RopeConfig, RopeScaling } from './rope-config.js';

type Scaling<Kind extends RopeScaling['kind']> = Extract<RopeScaling, { kind: Kind }>;

/** The rotation of sequences that are no longer than the original length. */
export function ropeSpec(rope: RopeConfig | null): RopeSpec | null {
  if (rope === null) return null;
  const { scaling, style } = rope;
  const attentionFactor = scaling !== undefined && 'attentionFactor' in scaling ? scaling.attentionFactor : 1;
  return { inverseFrequencies: inverseFrequencies(rope, 1), attentionFactor, style };
}

/** Frequencies of longer sequences, where a rotation has others for them. */
export interface LengthRotation {
  /** 0 up to the original length; beyond it the same number for lengths that turn alike. */
  kindOf(length: number): number;
  /** Float32 [P] of a kind other than 0. */
  inverseFrequencies(kind: number): Float32Array;
}

/** null: sequences of all lengths turn alike. */
export function lengthRotation(rope: RopeConfig | null): LengthRotation | null {
  const scaling = rope?.scaling;
  if (rope === null || (scaling?.kind !== 'dynamic' && scaling?.kind !== 'longrope')) return null;
  const { originalLength, kind } = scaling;
  const known = new Map<number, Float32Array>();
  return {
    kindOf(length) {
      if (length <= originalLength) return 0;
      return kind === 'dynamic' ? length : originalLength + 1;
    },
    inverseFrequencies(length) {
      const before = known.get(length);
      if (before !== undefined) return before;
      if (known.size >= mostKnown) known.clear();
      const frequencies = inverseFrequencies(rope, length);
      known.set(length, frequencies);
      return frequencies;
    },
  };
}

/** Lengths whose frequencies are remembered: those of all texts of a step, and little memory. */
const mostKnown = 256;

/**
 * @param length of the sequence; it counts for `dynamic` and `longrope` only
 * @returns Float32 [P]
 */
function inverseFrequencies(rope: RopeConfig, length: number): Float32Array {
  const { theta, rotatedDim, scaling } = rope;
  const plain = (base: number) =>
    Float64Array.from({ length: rotatedDim / 2 }, (_, i) => base ** ((-2 * i) / rotatedDim));
  return Float32Array.from(scaling === undefined ? plain(theta) : scaled());

  function scaled(): Float64Array {
    switch (scaling?.kind) {
      case 'linear':
        return plain(theta).map((frequency) => frequency / scaling.factor);
      case 'proportional': {
        const turning = Math.floor((scaling.share * rotatedDim) / 2);
        return plain(theta).map((frequency, i) => (i < turning ? frequency : 0));
      }
      case 'llama3':
        return plain(theta).map((frequency) => llama3(frequency, scaling));
      case 'dynamic':
        return plain(dynamicTheta(rope, scaling, length));
      case 'yarn': {
        const kept = yarnKept(rope, scaling);
        return plain(theta).map((frequency, i) => {
          const share = kept[i] as number;
          return (frequency / scaling.factor) * (1 - share) + frequency * share;
        });
      }
      case 'longrope': {
        const factors = length > scaling.originalLength ? scaling.longFactors : scaling.shortFactors;
        return plain(theta).map((frequency, i) => frequency / (factors[i] as number));
      }
      default:
        return plain(theta);
    }
  }
}

function llama3(
  frequency: number,
  { factor, originalLength, lowFrequencyFactor: low, highFrequencyFactor: high }: Scaling<'llama3'>,
): number {
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > originalLength / low) return frequency / factor;
  if (wavelength < originalLength / high) return frequency;
  const smooth = (originalLength / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

function dynamicTheta(
  { theta, rotatedDim }: RopeConfig,
  { factor, originalLength }: Scaling<'dynamic'>,
  length: number,
): number {
  const stretch = (factor * Math.max(length, originalLength)) / originalLength - (factor - 1);
  return theta * stretch ** (rotatedDim / (rotatedDim - 2));
}

/** The share of each pair's frequency that stays; the rest is divided by the factor. */
function yarnKept(
  { theta, rotatedDim }: RopeConfig,
  { originalLength, betaFast, betaSlow, truncate }: Scaling<'yarn'>,
): number[] {
  /** The dimension that turns so often over the original length. */
  const dimensionOf = (rotations: number) =>
    (rotatedDim * Math.log(originalLength / (rotations * 2 * Math.PI))) / (2 * Math.log(theta));
  const [first, last] = [dimensionOf(betaFast), dimensionOf(betaSlow)];
  const low = Math.max(truncate ? Math.floor(first) : first, 0);
  const high = Math.min(truncate ? Math.ceil(last) : last, rotatedDim - 1);
  // Where both are one dimension, the ramp is a step beside it.
  const width = high === low ? 0.001 : high - low;
  return Array.from({ length: rotatedDim / 2 }, (_, i) => 1 - Math.min(Math.max((i - low) / width, 0), 1));
}
