// Scaled rotations in GGUF: `<architecture>.rope.scaling.*` for linear and YaRN, and the tensor rope_freqs.weight, by whose
// elements llama.cpp divides the frequencies, for Llama 3's rule. llama.cpp multiplies YaRN's attention factor by
// 1 + 0.1 ln(factor) itself, so the key holds what is left of it. A rotation that has no keys is refused where the metadata
// is read back. https://github.com/ggml-org/llama.cpp, gguf-py/gguf/constants.py, ggml/src/ggml-cpu/ops.cpp (rope_yarn).
import { type DecoderConfig, layerMixer, type RopeScaling } from '@moeq/runtime';
import { type GgufMetadata, type GgufValue, MoeqError, quote, toFloat32 } from '@moeq/tensors';
import { magnitude } from '../config/rotation.js';
import type { GgufPart } from './open-parts.js';

/** The tensor of factors, F32 [rotated / 2]. */
export const ropeFactorsName = 'rope_freqs.weight';

/** @returns null where there is no such tensor. @throws MoeqError when it is not in F32, or cannot be read */
export async function readRopeFactors(parts: readonly GgufPart[]): Promise<number[] | null> {
  for (const { source, file } of parts) {
    const entry = file.tensors.get(ropeFactorsName);
    if (entry === undefined) continue;
    if (entry.type.content === 'F32' && entry.bytes <= mostFactorsBytes) {
      return [...toFloat32(await source.read(entry.offset, entry.bytes), 'F32')];
    }
    throw new MoeqError({
      operation: 'read the configuration',
      subject: `${source.name}: tensor ${quote(ropeFactorsName)}`,
      expected: `F32 of at most ${mostFactorsBytes} bytes`,
      found: `${entry.type.name} of ${entry.bytes} bytes`,
    });
  }
  return null;
}

/** Of heads of 32,768 dimensions, far above any. */
const mostFactorsBytes = 65536;

const keysOf = (architecture: string) => {
  const prefix = `${architecture}.rope.scaling`;
  return {
    type: `${prefix}.type`,
    factor: `${prefix}.factor`,
    original: `${prefix}.original_context_length`,
    attention: `${prefix}.attn_factor`,
    yarnAttention: `${prefix}.yarn_attn_factor`,
    betaFast: `${prefix}.yarn_beta_fast`,
    betaSlow: `${prefix}.yarn_beta_slow`,
  };
};

/**
 * `rope_scaling` of config.json; null for a rotation that is not scaled.
 * @param factors of the tensor, where there is one
 * @param numberAt the number under a key; null where there is none
 */
export function ropeScalingOf(
  metadata: GgufMetadata,
  architecture: string,
  factors: readonly number[] | null,
  numberAt: (key: string) => number | null,
): Record<string, unknown> | null {
  const keys = keysOf(architecture);
  const type = metadata.get(keys.type)?.value ?? 'none';
  const original = numberAt(keys.original);
  const length = original === null ? {} : { original_max_position_embeddings: original };
  if (factors !== null && type === 'none') {
    // LongRoPE with the same factors for all lengths is that division
    const same = { short_factor: factors, long_factor: factors, attention_factor: 1 };
    return { rope_type: 'longrope', ...same, ...length };
  }
  if (type === 'none') return null;
  const factor = numberAt(keys.factor);
  const scaling = { rope_type: type, ...(factor !== null && { factor }), ...length };
  if (type !== 'yarn' || factor === null) return scaling;
  const attention = numberAt(keys.yarnAttention) ?? numberAt(keys.attention) ?? 1;
  const fast = numberAt(keys.betaFast);
  const slow = numberAt(keys.betaSlow);
  return {
    ...scaling,
    ...(attention !== 1 && { attention_factor: attention * magnitude(factor, 1) }),
    ...(fast !== null && { beta_fast: fast }),
    ...(slow !== null && { beta_slow: slow }),
  };
}

/** The keys of a decoder's rotation; none for one that has no keys. */
export function ropeScalingMetadata(
  { layers, contextLength }: DecoderConfig,
  architecture: string,
): Map<string, GgufValue> {
  const mixers = layers.map(layerMixer).filter((mixer) => mixer !== null);
  const turning = mixers.find((mixer) => 'rope' in mixer && mixer.rope !== null);
  const rope = turning !== undefined && 'rope' in turning ? turning.rope : null;
  const scaling: RopeScaling | undefined = rope?.scaling;
  const keys = keysOf(architecture);
  const metadata = new Map<string, GgufValue>();
  const real = (key: string, value: number) => metadata.set(key, { type: 'f32', value });
  if (scaling?.kind !== 'linear' && scaling?.kind !== 'yarn') return metadata;
  metadata.set(keys.type, { type: 'string', value: scaling.kind });
  real(keys.factor, scaling.factor);
  const original =
    scaling.kind === 'yarn' ? scaling.originalLength : Math.floor(contextLength / scaling.factor);
  metadata.set(keys.original, { type: 'u32', value: original });
  if (scaling.kind === 'linear') return metadata;
  // of latent attention the factor is in the scale of the scores
  const left = turning?.kind === 'latent' ? 1 : scaling.attentionFactor / magnitude(scaling.factor, 1);
  if (Math.fround(left) !== 1) real(keys.yarnAttention, left);
  if (scaling.betaFast !== 32) real(keys.betaFast, scaling.betaFast);
  if (scaling.betaSlow !== 1) real(keys.betaSlow, scaling.betaSlow);
  return metadata;
}
