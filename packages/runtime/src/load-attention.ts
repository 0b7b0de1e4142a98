// The attention of one layer, from its matrices, biases and norms by place. Queries, keys and values become one weight.
//
// Shapes: D hidden, H heads, HK key/value heads, C head dimension.
import type { AttentionSpec, Vector } from '@moeq/kernels';
import type { Projection } from './decoder.js';
import type { AttentionConfig } from './model-source.js';
import { ropeSpec } from './rope-frequencies.js';
import type { WeightLoader } from './weight-loader.js';

/** [(H + 2 HK) C, D] */
export async function loadQkv(
  loader: WeightLoader,
  config: AttentionConfig,
  hidden: number,
  layer: number,
): Promise<Projection> {
  const { heads, kvHeads, headDim } = config;
  const parts = [
    { projection: 'query', rows: heads * headDim },
    { projection: 'key', rows: kvHeads * headDim },
    { projection: 'value', rows: kvHeads * headDim },
  ] as const;
  return {
    weight: await loader.matrix(
      parts.map(({ projection, rows }) => [{ kind: 'attention', layer, projection }, rows]),
      hidden,
    ),
    bias: config.bias.qkv
      ? await loader.vector(parts.map(({ projection, rows }) => [{ kind: 'bias', layer, projection }, rows]))
      : undefined,
  };
}

/** [D, H C] */
export async function loadOutput(
  loader: WeightLoader,
  config: AttentionConfig,
  hidden: number,
  layer: number,
): Promise<Projection> {
  const projection = 'output';
  return {
    weight: await loader.matrix(
      [[{ kind: 'attention', layer, projection }, hidden]],
      config.heads * config.headDim,
    ),
    bias: config.bias.output
      ? await loader.vector([[{ kind: 'bias', layer, projection }, hidden]])
      : undefined,
  };
}

export async function loadAttentionSpec(
  loader: WeightLoader,
  config: AttentionConfig,
  window: number | null,
  epsilon: number,
  layer: number,
): Promise<AttentionSpec> {
  const { heads, kvHeads, headDim, scale, queryKeyNorm: over, clip } = config;
  const norm = async (kind: 'queryNorm' | 'keyNorm', count: number): Promise<Vector> =>
    loader.vector([[{ kind, layer }, over === 'all' ? count * headDim : headDim]]);
  return {
    heads,
    kvHeads,
    headDim,
    scale,
    rope: ropeSpec(config),
    ...(over !== null && {
      queryNorm: { weight: await norm('queryNorm', heads), epsilon, over },
      keyNorm: { weight: await norm('keyNorm', kvHeads), epsilon, over },
    }),
    ...(clip !== null && { clip }),
    ...(window !== null && { window }),
  };
}
