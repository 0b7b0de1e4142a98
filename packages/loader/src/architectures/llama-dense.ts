// Llama (https://arxiv.org/abs/2407.21783; transformers models/llama): the decoder that the others are compared with.
import { defineArchitecture } from '../config/architecture.js';
import { biasFields, denseDecoderNames, denseFields, denseMlp } from './dense.js';
import { attentionBias, decoderConfig } from './llama.js';

export const llama = defineArchitecture({
  modelTypes: ['llama'],
  names: denseDecoderNames,
  fields: { ...denseFields, ...biasFields },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'llama',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { bias: attentionBias(config) },
      layer: () => ({ mlp: denseMlp(config) }),
    }),
});
