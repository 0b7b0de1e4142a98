// What the two generations of Qwen's MoE share: which layers have experts, and how experts are chosen.
import type { RouteSpec } from '@moeq/router';
import type { DenseConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import { type CommonConfig, flag, layerNumber, width } from '../config/config.js';

export const sparseFields = {
  intermediate_size: width,
  moe_intermediate_size: width,
  decoder_sparse_step: v.nullish(v.pipe(layerNumber, v.minValue(1, 'an integer of at least 1'))),
  mlp_only_layers: v.nullish(v.array(layerNumber)),
  norm_topk_prob: flag(false),
  use_sliding_window: flag(false),
};

type SparseConfig = CommonConfig & v.InferOutput<ReturnType<typeof v.object<typeof sparseFields, undefined>>>;

const shared = 'model.layers.{layer}.mlp.shared_expert';

export const gatedSharedNames = {
  sharedGate: [`${shared}.gate_proj.weight`],
  sharedUp: [`${shared}.up_proj.weight`],
  sharedDown: [`${shared}.down_proj.weight`],
  sharedOutputGate: [`${shared}_gate.weight`],
} as const satisfies TensorNames;

/** Beside the routed experts of a layer: one that each token weighs by sigmoid(x · shared_expert_gate). */
export function gatedShared(
  config: CommonConfig & { shared_expert_intermediate_size: number },
): MoeConfig['shared'] {
  return {
    intermediateSize: config.shared_expert_intermediate_size,
    activation: config.hidden_act,
    bias: false,
    outputGate: true,
  };
}

/** Softmax over all experts, then the best; divided by their sum where norm_topk_prob says so. */
export function topKSoftmax(config: CommonConfig & { norm_topk_prob: boolean }): RouteSpec {
  return {
    experts: config.num_local_experts,
    expertsPerToken: config.num_experts_per_tok,
    score: 'softmax',
    normalizeTopK: config.norm_topk_prob,
  };
}

/** Experts in every `decoder_sparse_step`-th layer that `mlp_only_layers` does not list, a dense MLP elsewhere. */
export function sparseLayer(
  config: SparseConfig,
  index: number,
  moe: Pick<MoeConfig, 'route' | 'shared'>,
): MoeConfig | DenseConfig {
  const sparse =
    !(config.mlp_only_layers ?? []).includes(index) && (index + 1) % (config.decoder_sparse_step ?? 1) === 0;
  return sparse
    ? {
        kind: 'moe',
        intermediateSize: config.moe_intermediate_size,
        activation: config.hidden_act,
        bias: false,
        routerBias: false,
        correctionBias: false,
        ...moe,
      }
    : {
        kind: 'dense',
        intermediateSize: config.intermediate_size,
        activation: config.hidden_act,
        bias: false,
      };
}
