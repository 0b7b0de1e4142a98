// Hunyuan A13B and Large (https://arxiv.org/abs/2411.02265; transformers models/hunyuan_v1_moe): norms of queries and keys behind
// the rotation, whose theta grows by alpha, softmax over all experts and shared experts beside them.
import type { MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import { defineArchitecture } from '../config/architecture.js';
import { commonFields, configError, count, flag, width } from '../config/config.js';
import { biasNames, decoderConfig, llamaNames, mlpExpertNames } from './llama.js';

const mlp = 'model.layers.{layer}.mlp';
const selfAttention = 'model.layers.{layer}.self_attn';

/** One number of all layers, or one of each. */
const ofLayers = (most: number) => {
  const one = count(most);
  return v.union([one, v.array(one)], `an integer from 1 to ${most}, or a list of them`);
};

const same = (value: number | readonly number[], layers: number, field: string, file: string): number[] => {
  const list = Array.isArray(value) ? value : Array.from({ length: layers }, () => value as number);
  if (list.length !== layers) throw configError(file, `${field} of ${layers} layers`, String(list.length));
  return list;
};

export const hunyuanV1Moe = defineArchitecture({
  modelTypes: ['hunyuan_v1_moe'],
  names: {
    ...llamaNames,
    ...biasNames,
    ...mlpExpertNames,
    queryNorm: [`${selfAttention}.query_layernorm.weight`],
    keyNorm: [`${selfAttention}.key_layernorm.weight`],
    router: [`${mlp}.gate.wg.weight`],
    sharedGate: [`${mlp}.shared_mlp.gate_proj.weight`],
    sharedUp: [`${mlp}.shared_mlp.up_proj.weight`],
    sharedDown: [`${mlp}.shared_mlp.down_proj.weight`],
  },
  fields: {
    ...commonFields,
    num_experts_per_tok: ofLayers(16384),
    intermediate_size: width,
    attention_bias: flag(false),
  },
  aliases: [['moe_topk', 'num_experts_per_tok']],
  decoder: (config, file) => {
    const { num_hidden_layers: layers, intermediate_size: intermediateSize, hidden_act: activation } = config;
    const active = same(config.num_experts_per_tok, layers, 'moe_topk', file);
    const experts = { intermediateSize, activation, bias: false };
    const moeOf = (expertsPerToken: number): MoeConfig => ({
      kind: 'moe',
      route: { experts: config.num_local_experts, expertsPerToken, score: 'softmax', normalizeTopK: true },
      ...experts,
      routerBias: false,
      correctionBias: false,
      shared: { ...experts, outputGate: false },
    });
    const moes = new Map(active.map((expertsPerToken) => [expertsPerToken, moeOf(expertsPerToken)]));
    const bias = config.attention_bias;
    return decoderConfig({ ...config, num_experts_per_tok: Math.max(...active) }, file, {
      modelType: 'hunyuan_v1_moe',
      normEpsilon: 1e-5,
      ropeTheta: 10_000,
      attention: { queryKeyNorm: 'head', normsTurned: true, bias: { qkv: bias, output: bias } },
      layer: (index) => ({ mlp: moes.get(active[index] ?? 0) ?? moeOf(1) }),
    });
  },
});
