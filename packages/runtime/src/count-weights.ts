// How many matrices, vectors, experts and MLPs a configuration asks its source for: the end of the loading bar.
import type { DecoderConfig, LayerConfig } from './model-source.js';

export function countWeights(config: DecoderConfig): number {
  const outside = config.tiedHead ? 2 : 3; // embedding, final norm, head
  return config.layers.reduce((total, layer) => total + countAttention(config) + countMlp(layer), outside);
}

function countAttention({ attention: { bias, queryKeyNorm } }: DecoderConfig): number {
  const norms = queryKeyNorm === null ? 2 : 4;
  return 4 + norms + (bias.qkv ? 3 : 0) + (bias.output ? 1 : 0);
}

function countMlp({ mlp }: LayerConfig): number {
  if (mlp.kind === 'dense') return 1;
  const shared = mlp.shared === null ? 0 : 1 + Number(mlp.shared.gated);
  return 1 + mlp.route.experts + Number(mlp.correctionBias) + shared;
}
