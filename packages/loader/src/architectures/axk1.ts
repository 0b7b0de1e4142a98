// A.X K1 (SK Telecom; transformers models/axk1): DeepSeek-V3 with a norm behind the sum of routed and shared experts.
import { sequentialLayer } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { count, factor, flag } from '../config/config.js';
import { deepseekDecoder, deepseekFields, deepseekNames } from './deepseek.js';
import { sigmoidMoe } from './sigmoid-moe.js';

export const axk1 = defineArchitecture({
  modelTypes: ['axk1'],
  names: { ...deepseekNames, mlpPostNorm: ['model.layers.{layer}.post_mlp_layernorm.weight'] },
  fields: {
    ...deepseekFields,
    n_group: v.nullish(count(256), 8),
    topk_group: v.nullish(count(256), 4),
    routed_scaling_factor: v.nullish(factor, 2.5),
    rope_interleave: flag(true),
  },
  decoder: (config, file) =>
    deepseekDecoder(config, file, {
      modelType: 'axk1',
      normEpsilon: 1e-6,
      ropeStyle: config.rope_interleave ? 'interleaved' : 'halves',
      moe: sigmoidMoe(config, file, config.n_shared_experts ?? 1),
      denseLayers: 1,
      assemble(parts) {
        const { blocks } = sequentialLayer(parts);
        const postNorm = { slot: 'mlpPostNorm' as const, ...parts.norm };
        const isMoe = parts.mlp.kind === 'moe';
        return { blocks: blocks.map((block) => (isMoe && 'mlp' in block ? { ...block, postNorm } : block)) };
      },
    }),
});
