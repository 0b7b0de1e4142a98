// MiniMax-M3 (transformers models/minimax_m3_vl): (1 + w) norms, of each head of queries and keys too, the clamped activation of
// gpt-oss in all MLPs, a shared expert; attention that selects blocks of tokens once there are more than its indexer takes. It is
// the language model of a composite with a vision tower.
import type { Activation } from '@moeq/kernels';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { composite } from '../config/composite.js';
import { commonFields, configError, count, factor, positive, width } from '../config/config.js';
import { rotaryShare, rotaryShareFields } from '../config/rotary-share.js';
import { withinSelection } from '../config/selection.js';
import { decoderConfig, denseNames, llamaNames, queryKeyNormNames } from './llama.js';
import { denseByTypes, mlpTypes } from './sigmoid-moe.js';

const block = 'model.layers.{layer}.block_sparse_moe';
const blocks = v.nullish(count(1 << 20));

const text = defineArchitecture({
  modelTypes: ['minimax_m3_vl_text'],
  names: {
    ...llamaNames,
    ...queryKeyNormNames,
    ...denseNames,
    router: [`${block}.gate.weight`],
    correctionBias: [`${block}.e_score_correction_bias`],
    expertGate: [`${block}.experts.{expert}.w1.weight`],
    expertUp: [`${block}.experts.{expert}.w3.weight`],
    expertDown: [`${block}.experts.{expert}.w2.weight`],
    sharedGate: [`${block}.shared_experts.gate_proj.weight`],
    sharedUp: [`${block}.shared_experts.up_proj.weight`],
    sharedDown: [`${block}.shared_experts.down_proj.weight`],
  },
  leftAside: /^layers\.\d+\.self_attn\.index_[qk]_(?:proj|norm)\.weight$/,
  fields: {
    ...commonFields,
    ...rotaryShareFields,
    hidden_act: v.optional(v.unknown()),
    intermediate_size: width,
    dense_intermediate_size: width,
    shared_intermediate_size: width,
    routed_scaling_factor: factor,
    swiglu_alpha: v.nullish(positive, 1.702),
    swiglu_limit: v.nullish(positive, 7),
    mlp_layer_types: mlpTypes,
    moe_layer_freq: v.nullish(v.array(v.picklist([0, 1]))),
    index_topk_blocks: blocks,
    index_block_size: blocks,
    sparse_attention_config: v.nullish(v.object({ sparse_topk_blocks: blocks, sparse_block_size: blocks })),
  },
  decoder: (config, file) => {
    const { num_hidden_layers: layers, moe_layer_freq: sparse } = config;
    if (sparse != null && sparse.length !== layers)
      throw configError(file, `moe_layer_freq of ${layers} layers`, String(sparse.length));
    const types = config.mlp_layer_types ?? sparse?.map((is) => (is === 1 ? 'sparse' : 'dense'));
    const activation: Activation = {
      kind: 'silu',
      gated: true,
      alpha: config.swiglu_alpha,
      limit: config.swiglu_limit,
      upOffset: 1,
    };
    const inner = { activation, bias: false };
    const common = { ...config, hidden_act: activation };
    const isDense = denseByTypes(types, common, file, 0);
    return decoderConfig(common, file, {
      modelType: 'minimax_m3_vl_text',
      normEpsilon: 1e-6,
      ropeTheta: 5e6,
      rotaryShare: rotaryShare(config, file, 1),
      norm: { weight: 'lessOne' },
      attention: { queryKeyNorm: 'head' },
      layer: (index) => ({
        mlp: isDense(index)
          ? { kind: 'dense', ...inner, intermediateSize: config.dense_intermediate_size }
          : {
              kind: 'moe',
              route: {
                experts: config.num_local_experts,
                expertsPerToken: config.num_experts_per_tok,
                score: 'sigmoid',
                normalizeTopK: true,
                scalingFactor: config.routed_scaling_factor,
              },
              ...inner,
              intermediateSize: config.intermediate_size,
              routerBias: false,
              correctionBias: true,
              shared: { ...inner, intermediateSize: config.shared_intermediate_size, outputGate: false },
            },
      }),
    });
  },
  turned(decoder, config) {
    const { sparse_attention_config: sparse } = config;
    const count = sparse?.sparse_topk_blocks ?? config.index_topk_blocks ?? 16;
    return withinSelection(decoder, count * (sparse?.sparse_block_size ?? config.index_block_size ?? 128));
  },
});

export const minimaxM3Vl = composite(text, {
  modelTypes: ['minimax_m3_vl'],
  path: ['text_config'],
  prefix: 'language_model.model.',
  head: 'language_model.lm_head.weight',
});
