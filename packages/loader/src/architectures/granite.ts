// Granite 3 (IBM; transformers models/granite): Llama with multipliers on embeddings, residuals, attention scores and logits.
import { defineArchitecture } from '../config/architecture.js';
import { biasFields, denseDecoderNames, denseFields, denseMlp } from './dense.js';
import { multiplierFields, multipliers } from './granitemoe.js';
import { attentionBias, decoderConfig } from './llama.js';

export const granite = defineArchitecture({
  modelTypes: ['granite'],
  names: denseDecoderNames,
  fields: { ...denseFields, ...biasFields, ...multiplierFields },
  decoder: (config, file) =>
    decoderConfig(config, file, {
      modelType: 'granite',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { scale: config.attention_multiplier, bias: attentionBias(config) },
      ...multipliers(config),
      layer: () => ({ mlp: denseMlp(config) }),
    }),
});
