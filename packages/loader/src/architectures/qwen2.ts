// Qwen2 and Qwen2.5 (https://arxiv.org/abs/2407.10671; transformers models/qwen2): Llama with biases on queries, keys and values,
// perhaps with windows in the last layers.
import { defineArchitecture } from '../config/architecture.js';
import { denseDecoderNames, denseFields, denseMlp, keyHeads, windowFields, windowsOf } from './dense.js';
import { decoderConfig } from './llama.js';

export const qwen2 = defineArchitecture({
  modelTypes: ['qwen2'],
  names: denseDecoderNames,
  fields: { ...denseFields, ...windowFields, num_key_value_heads: keyHeads(32) },
  decoder: (config, file) => {
    const windowOf = windowsOf(config, file);
    return decoderConfig(config, file, {
      modelType: 'qwen2',
      normEpsilon: 1e-6,
      ropeTheta: 10_000,
      attention: { bias: { qkv: true, output: false } },
      layer: (index) => ({ window: windowOf(index), mlp: denseMlp(config) }),
    });
  },
});
