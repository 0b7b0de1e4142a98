// What architectures share whose experts are those of DeepSeek-V3 (https://arxiv.org/abs/2412.19437, section 2.1.2): sigmoid
// scores, a bias on the choice, perhaps within the best groups; shared experts as one MLP; dense MLPs in some layers.
import type { DenseConfig, MlpConfig, MoeConfig } from '@moeq/runtime';
import * as v from 'valibot';
import type { TensorNames } from '../config/architecture.js';
import { type CommonConfig, configError, count, factor, flag, layerNumber, width } from '../config/config.js';
import { denseNames, mlpExpertNames } from './llama.js';

const mlp = 'model.layers.{layer}.mlp';

export const sharedExpertNames = {
  sharedGate: [`${mlp}.shared_experts.gate_proj.weight`],
  sharedUp: [`${mlp}.shared_experts.up_proj.weight`],
  sharedDown: [`${mlp}.shared_experts.down_proj.weight`],
} as const satisfies TensorNames;

export const sigmoidMoeNames = {
  ...denseNames,
  ...mlpExpertNames,
  ...sharedExpertNames,
  correctionBias: [`${mlp}.gate.e_score_correction_bias`],
} as const satisfies TensorNames;

/** More shared experts, and groups of experts, than any model has. */
const MOST = 256;
export const sharedCount = v.nullish(v.union([v.literal(0), count(MOST)], `an integer from 0 to ${MOST}`));
export const firstDense = (absent: number) => v.nullish(layerNumber, absent);
export const mlpTypes = v.nullish(v.array(v.picklist(['dense', 'sparse'])));

export const sigmoidMoeFields = {
  moe_intermediate_size: width,
  n_group: v.nullish(count(MOST), 1),
  topk_group: v.nullish(count(MOST), 1),
  norm_topk_prob: flag(true),
  routed_scaling_factor: factor,
};

type SigmoidMoe = CommonConfig & v.InferOutput<v.ObjectSchema<typeof sigmoidMoeFields, undefined>>;

/**
 * Experts and groups fit one another, by the names of their fields.
 * @throws MoeqError naming the field that does not fit
 */
export function assertRoute({ experts, expertsPerToken, groups }: MoeConfig['route'], file: string): void {
  const check = (holds: boolean, expected: string, found: number) => {
    if (!holds) throw configError(file, expected, String(found));
  };
  check(
    expertsPerToken <= experts,
    `num_experts_per_tok to be at most the number of experts, ${experts}`,
    expertsPerToken,
  );
  if (groups === undefined) return;
  const { count: number, kept, rank } = groups;
  const size = experts / number;
  check(Number.isInteger(size), `n_group to divide the ${experts} experts`, number);
  check(
    rank !== 'topTwoSum' || size >= 2,
    `n_group that leaves at least 2 of ${experts} experts a group`,
    number,
  );
  check(kept <= number, `topk_group to be at most n_group, ${number}`, kept);
  check(
    expertsPerToken <= kept * size,
    `num_experts_per_tok to be at most the ${kept * size} experts of topk_group groups`,
    expertsPerToken,
  );
}

/**
 * @param sharedExperts how many there are, as wide as routed ones
 * @throws MoeqError for groups that do not fit the experts
 */
export function sigmoidMoe(config: SigmoidMoe, file: string, sharedExperts: number): MoeConfig {
  const { n_group: groups, topk_group: kept } = config;
  const route: MoeConfig['route'] = {
    experts: config.num_local_experts,
    expertsPerToken: config.num_experts_per_tok,
    score: 'sigmoid',
    normalizeTopK: config.norm_topk_prob,
    normalizeEpsilon: 1e-20,
    scalingFactor: config.routed_scaling_factor,
    ...(groups > 1 && { groups: { count: groups, kept, rank: 'topTwoSum' } }),
  };
  assertRoute(route, file);
  const experts = {
    intermediateSize: config.moe_intermediate_size,
    activation: config.hidden_act,
    bias: false,
  };
  return {
    kind: 'moe',
    route,
    ...experts,
    routerBias: false,
    correctionBias: true,
    shared:
      sharedExperts === 0
        ? null
        : { ...experts, intermediateSize: sharedExperts * experts.intermediateSize, outputGate: false },
  };
}

/** Experts where a layer is not dense. */
export function denseOr(
  config: CommonConfig & { readonly intermediate_size: number },
  moe: MoeConfig,
  isDense: (layer: number) => boolean,
): (layer: number) => MlpConfig {
  const dense: DenseConfig = {
    kind: 'dense',
    intermediateSize: config.intermediate_size,
    activation: config.hidden_act,
    bias: false,
  };
  return (layer) => (isDense(layer) ? dense : moe);
}

/** Dense layers by `mlp_layer_types`; the first `absent` of them where there is none. */
export function denseByTypes(
  types: readonly ('dense' | 'sparse')[] | null | undefined,
  { num_hidden_layers: layers }: CommonConfig,
  file: string,
  absent: number,
): (layer: number) => boolean {
  if (types == null) return (layer) => layer < absent;
  if (types.length === layers) return (layer) => types[layer] === 'dense';
  throw configError(file, `mlp_layer_types of ${layers} layers`, String(types.length));
}
