// Cohere2-MoE (transformers models/cohere2_moe): attention and MLP read the same, behind one layer norm without a bias; windows
// with a rotation, and layers over all tokens without one; a shared expert that may be averaged with the routed ones.
import { parallelLayer } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, count, factor, flag, positive, width } from '../config/config.js';
import { slidingLayers } from '../config/layer-types.js';
import { attentionBias, biasNames, decoderConfig, llamaNames } from './llama.js';
import { denseByTypes, denseOr, firstDense, mlpTypes, sharedCount, sigmoidMoeNames } from './sigmoid-moe.js';

const { mlpNorm: _, ...names } = llamaNames;
const { correctionBias: __, ...mlpNames } = sigmoidMoeNames;
const pattern = (absent: number) => v.nullish(count(1024), absent);

export const cohere2Moe = defineArchitecture({
  modelTypes: ['cohere2_moe'],
  names: { ...names, ...biasNames, ...mlpNames },
  fields: {
    ...commonFields,
    head_dim: v.nullish(width, 128),
    tie_word_embeddings: flag(true),
    attention_bias: flag(false),
    intermediate_size: width,
    prefix_dense_intermediate_size: v.nullish(width),
    layer_norm_eps: v.nullish(positive, 1e-5),
    logit_scale: v.nullish(factor, 0.0625),
    num_shared_experts: sharedCount,
    shared_expert_combination_strategy: v.nullish(v.picklist(['average', 'sum']), 'average'),
    expert_selection_fn: v.nullish(v.picklist(['softmax', 'sigmoid']), 'softmax'),
    norm_topk_prob: flag(true),
    first_k_dense_replace: firstDense(0),
    mlp_layer_types: mlpTypes,
    layer_types: v.nullish(v.array(v.picklist(['full_attention', 'sliding_attention']))),
    sliding_window_pattern: pattern(4),
    prefix_dense_sliding_window_pattern: pattern(1),
  },
  decoder: (config, file) => {
    const { layer_types: types, num_hidden_layers: layers, first_k_dense_replace: prefix } = config;
    const { prefix_dense_sliding_window_pattern: ofPrefix, sliding_window_pattern: ofRest } = config;
    const slides = slidingLayers(types, layers, file, (index) =>
      index < prefix ? (index + 1) % ofPrefix !== 0 : (index - prefix + 1) % ofRest !== 0,
    );
    const window = config.sliding_window === undefined ? 4096 : config.sliding_window || null;
    const isDense = denseByTypes(config.mlp_layer_types, config, file, prefix);
    const experts = {
      intermediateSize: config.intermediate_size,
      activation: config.hidden_act,
      bias: false,
    };
    const { num_shared_experts: shared, shared_expert_combination_strategy: strategy } = config;
    const share = shared && strategy === 'average' ? 0.5 : 1;
    const isSigmoid = config.expert_selection_fn === 'sigmoid';
    const width = config.prefix_dense_intermediate_size ?? config.intermediate_size;
    const mlpOf = denseOr(
      { ...config, intermediate_size: width },
      {
        kind: 'moe',
        route: {
          experts: config.num_local_experts,
          expertsPerToken: config.num_experts_per_tok,
          score: isSigmoid ? 'sigmoid' : 'softmaxAfterTopK',
          normalizeTopK: isSigmoid && config.norm_topk_prob,
          scalingFactor: share,
        },
        ...experts,
        routerBias: false,
        correctionBias: false,
        shared: shared
          ? {
              ...experts,
              intermediateSize: shared * experts.intermediateSize,
              outputGate: false,
              scale: share,
            }
          : null,
      },
      isDense,
    );
    return decoderConfig(config, file, {
      modelType: 'cohere2_moe',
      normEpsilon: config.layer_norm_eps,
      norm: { kind: config.rms_norm_eps == null ? 'layer' : 'rms' },
      ropeTheta: 10_000,
      ropeStyle: 'interleaved',
      logitsScale: config.logit_scale,
      attention: { bias: attentionBias(config) },
      assemble: parallelLayer,
      layer(index, attention) {
        const own = slides(index) ? window : null;
        const turns = own !== null || (isDense(index) && ofPrefix === 1);
        return {
          ...(turns ? { window: own } : { mixer: { ...attention, rope: null } }),
          mlp: mlpOf(index),
        };
      },
    });
  },
});
