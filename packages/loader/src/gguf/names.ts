// Names of GGUF tensors by slot: the same for all architectures, with `{layer}` and `{expert}` for numbers. Experts of a
// layer are one tensor [E, N, K]; files from before 2024 have one tensor an expert.
// https://github.com/ggml-org/llama.cpp, gguf-py/gguf/constants.py.
import type { Slot, TensorPlace } from '@moeq/runtime';
import type { GgufArchitecture } from './architecture.js';

export const ggufNames: Readonly<Record<Slot, string>> = {
  embedding: 'token_embd.weight',
  layerInputEmbedding: 'per_layer_token_embd.weight',
  layerInputModelProjection: 'per_layer_model_proj.weight',
  layerInputNorm: 'per_layer_proj_norm.weight',
  head: 'output.weight',
  headBias: 'output.bias',
  finalNorm: 'output_norm.weight',
  finalNormBias: 'output_norm.bias',
  mixerNorm: 'blk.{layer}.attn_norm.weight',
  mixerNormBias: 'blk.{layer}.attn_norm.bias',
  queryKeyValue: 'blk.{layer}.attn_qkv.weight',
  query: 'blk.{layer}.attn_q.weight',
  key: 'blk.{layer}.attn_k.weight',
  value: 'blk.{layer}.attn_v.weight',
  output: 'blk.{layer}.attn_output.weight',
  queryBias: 'blk.{layer}.attn_q.bias',
  keyBias: 'blk.{layer}.attn_k.bias',
  valueBias: 'blk.{layer}.attn_v.bias',
  outputBias: 'blk.{layer}.attn_output.bias',
  queryNorm: 'blk.{layer}.attn_q_norm.weight',
  keyNorm: 'blk.{layer}.attn_k_norm.weight',
  sinks: 'blk.{layer}.attn_sinks.weight',
  attentionGate: 'blk.{layer}.attn_gate.weight',
  attentionGateBias: 'blk.{layer}.attn_gate.bias',
  deltaQkvz: 'blk.{layer}.ssm_in.weight',
  deltaBetaDecay: 'blk.{layer}.ssm_ba.weight',
  deltaQkv: 'blk.{layer}.attn_qkv.weight',
  deltaGate: 'blk.{layer}.attn_gate.weight',
  deltaBeta: 'blk.{layer}.ssm_beta.weight',
  deltaDecay: 'blk.{layer}.ssm_alpha.weight',
  deltaTaps: 'blk.{layer}.ssm_conv1d.weight',
  deltaDecayLog: 'blk.{layer}.ssm_a',
  deltaDecayBias: 'blk.{layer}.ssm_dt.bias',
  deltaNorm: 'blk.{layer}.ssm_norm.weight',
  deltaOutput: 'blk.{layer}.ssm_out.weight',
  kimiQuery: 'blk.{layer}.attn_q.weight',
  kimiKey: 'blk.{layer}.attn_k.weight',
  kimiValue: 'blk.{layer}.attn_v.weight',
  kimiBeta: 'blk.{layer}.ssm_beta.weight',
  kimiQueryTaps: 'blk.{layer}.ssm_conv1d_q.weight',
  kimiKeyTaps: 'blk.{layer}.ssm_conv1d_k.weight',
  kimiValueTaps: 'blk.{layer}.ssm_conv1d_v.weight',
  kimiDecayDown: 'blk.{layer}.ssm_f_a.weight',
  kimiDecayUp: 'blk.{layer}.ssm_f_b.weight',
  kimiDecayLog: 'blk.{layer}.ssm_a',
  kimiDecayBias: 'blk.{layer}.ssm_dt.bias',
  kimiGateDown: 'blk.{layer}.ssm_g_a.weight',
  kimiGateUp: 'blk.{layer}.ssm_g_b.weight',
  kimiNorm: 'blk.{layer}.ssm_norm.weight',
  kimiOutput: 'blk.{layer}.attn_output.weight',
  convInput: 'blk.{layer}.shortconv.in_proj.weight',
  convTaps: 'blk.{layer}.shortconv.conv.weight',
  convOutput: 'blk.{layer}.shortconv.out_proj.weight',
  mambaInput: 'blk.{layer}.ssm_in.weight',
  mambaInputBias: 'blk.{layer}.ssm_in.bias',
  mambaTaps: 'blk.{layer}.ssm_conv1d.weight',
  mambaTapsBias: 'blk.{layer}.ssm_conv1d.bias',
  mambaSelection: 'blk.{layer}.ssm_x.weight',
  mambaTimeStepNorm: 'blk.{layer}.ssm_dt_norm.weight',
  mambaBNorm: 'blk.{layer}.ssm_b_norm.weight',
  mambaCNorm: 'blk.{layer}.ssm_c_norm.weight',
  mambaTimeStep: 'blk.{layer}.ssm_dt.weight',
  mambaTimeStepBias: 'blk.{layer}.ssm_dt.bias',
  mambaDecay: 'blk.{layer}.ssm_a',
  mambaSkip: 'blk.{layer}.ssm_d',
  mambaNorm: 'blk.{layer}.ssm_norm.weight',
  mambaOutput: 'blk.{layer}.ssm_out.weight',
  mambaOutputBias: 'blk.{layer}.ssm_out.bias',
  latentQuery: 'blk.{layer}.attn_q.weight',
  queryDown: 'blk.{layer}.attn_q_a.weight',
  queryDownBias: 'blk.{layer}.attn_q_a.bias',
  queryDownNorm: 'blk.{layer}.attn_q_a_norm.weight',
  queryUp: 'blk.{layer}.attn_q_b.weight',
  latentDown: 'blk.{layer}.attn_kv_a_mqa.weight',
  latentDownBias: 'blk.{layer}.attn_kv_a_mqa.bias',
  latentNorm: 'blk.{layer}.attn_kv_a_norm.weight',
  latentUp: 'blk.{layer}.attn_kv_b.weight',
  latentOutput: 'blk.{layer}.attn_output.weight',
  latentOutputBias: 'blk.{layer}.attn_output.bias',
  mixerPostNorm: 'blk.{layer}.post_attention_norm.weight',
  mixerPostNormBias: 'blk.{layer}.post_attention_norm.bias',
  mlpNorm: 'blk.{layer}.ffn_norm.weight',
  mlpNormBias: 'blk.{layer}.ffn_norm.bias',
  mlpPostNorm: 'blk.{layer}.post_ffw_norm.weight',
  mlpPostNormBias: 'blk.{layer}.post_ffw_norm.bias',
  densePostNorm: 'blk.{layer}.post_ffw_norm_1.weight',
  densePostNormBias: 'blk.{layer}.post_ffw_norm_1.bias',
  routerNorm: 'blk.{layer}.ffn_gate_inp.scale',
  routerNormBias: 'blk.{layer}.ffn_gate_inp.scale_bias',
  expertNorm: 'blk.{layer}.pre_ffw_norm_2.weight',
  expertNormBias: 'blk.{layer}.pre_ffw_norm_2.bias',
  expertPostNorm: 'blk.{layer}.post_ffw_norm_2.weight',
  expertPostNormBias: 'blk.{layer}.post_ffw_norm_2.bias',
  denseGate: 'blk.{layer}.ffn_gate.weight',
  denseGateBias: 'blk.{layer}.ffn_gate.bias',
  denseUp: 'blk.{layer}.ffn_up.weight',
  denseUpBias: 'blk.{layer}.ffn_up.bias',
  denseDown: 'blk.{layer}.ffn_down.weight',
  denseDownBias: 'blk.{layer}.ffn_down.bias',
  router: 'blk.{layer}.ffn_gate_inp.weight',
  routerBias: 'blk.{layer}.ffn_gate_inp.bias',
  correctionBias: 'blk.{layer}.exp_probs_b.bias',
  expertLatentDown: 'blk.{layer}.ffn_latent_down.weight',
  expertLatentUp: 'blk.{layer}.ffn_latent_up.weight',
  expertScales: 'blk.{layer}.ffn_down_exps.scale',
  layerInputGate: 'blk.{layer}.inp_gate.weight',
  layerInputOutput: 'blk.{layer}.proj.weight',
  layerInputPostNorm: 'blk.{layer}.post_norm.weight',
  layerInputPostNormBias: 'blk.{layer}.post_norm.bias',
  layerScale: 'blk.{layer}.layer_output_scale.weight',
  sharedGate: 'blk.{layer}.ffn_gate_shexp.weight',
  sharedGateBias: 'blk.{layer}.ffn_gate_shexp.bias',
  sharedUp: 'blk.{layer}.ffn_up_shexp.weight',
  sharedUpBias: 'blk.{layer}.ffn_up_shexp.bias',
  sharedGateUp: 'blk.{layer}.ffn_gate_up_shexp.weight',
  sharedGateUpBias: 'blk.{layer}.ffn_gate_up_shexp.bias',
  sharedDown: 'blk.{layer}.ffn_down_shexp.weight',
  sharedDownBias: 'blk.{layer}.ffn_down_shexp.bias',
  sharedOutputGate: 'blk.{layer}.ffn_gate_inp_shexp.weight',
  expertGate: 'blk.{layer}.ffn_gate_exps.weight',
  expertGateBias: 'blk.{layer}.ffn_gate_exps.bias',
  expertUp: 'blk.{layer}.ffn_up_exps.weight',
  expertUpBias: 'blk.{layer}.ffn_up_exps.bias',
  expertGateUp: 'blk.{layer}.ffn_gate_up_exps.weight',
  expertGateUpBias: 'blk.{layer}.ffn_gate_up_exps.bias',
  expertDown: 'blk.{layer}.ffn_down_exps.weight',
  expertDownBias: 'blk.{layer}.ffn_down_exps.bias',
};

const onePerExpert: readonly (readonly [name: string, slot: Slot])[] = [
  ['blk.{layer}.ffn_gate.{expert}.weight', 'expertGate'],
  ['blk.{layer}.ffn_up.{expert}.weight', 'expertUp'],
  ['blk.{layer}.ffn_down.{expert}.weight', 'expertDown'],
];

/** The name of a slot in an architecture, with `{layer}`. */
export function ggufName(slot: Slot, { names = {} }: Pick<GgufArchitecture, 'names'> = {}): string {
  return names[slot] ?? ggufNames[slot];
}

type SlotsOf = ReadonlyMap<string, readonly Slot[]>;

const slotsByNames = new WeakMap<object, SlotsOf>();
const noNames = {};

/** Of names that several slots have, which belong to layers of other kinds, all in the order of the table. */
function slotsOf({ names = noNames }: Pick<GgufArchitecture, 'names'>): SlotsOf {
  const known = slotsByNames.get(names);
  if (known !== undefined) return known;
  const slots = new Map<string, Slot[]>();
  const add = (name: string, slot: Slot) => slots.set(name, [...(slots.get(name) ?? []), slot]);
  for (const slot of Object.keys(ggufNames) as Slot[]) add(ggufName(slot, { names }), slot);
  for (const [name, slot] of onePerExpert) add(name, slot);
  slotsByNames.set(names, slots);
  return slots;
}

/** Six digits: more layers or experts than any limit lets through, and still an exact integer. */
const numbers = /^blk\.(0|[1-9]\d{0,5})\.(?:(ffn_(?:gate|up|down))\.(0|[1-9]\d{0,5})\.weight$)?/;

/**
 * Where a tensor belongs; null for a name that is none of these.
 * @param has whether the decoder has that place, by which one of several slots is chosen; the first unless given
 */
export function ggufPlace(
  name: string,
  architecture: Pick<GgufArchitecture, 'names'> = {},
  has: (place: TensorPlace) => boolean = () => true,
): TensorPlace | null {
  const [head = '', layer, projection, expert] = numbers.exec(name) ?? [];
  const rest = name.slice(head.length);
  const pattern =
    layer === undefined
      ? name
      : `blk.{layer}.${projection === undefined ? rest : `${projection}.{expert}.weight`}`;
  const slots = slotsOf(architecture).get(pattern);
  // a name with braces is no number
  if (slots === undefined || name.includes('{')) return null;
  const at = {
    ...(layer !== undefined && { layer: Number(layer) }),
    ...(expert !== undefined && { expert: Number(expert) }),
  };
  const places = slots.map((slot) => ({ slot, ...at }));
  return places.find(has) ?? places[0] ?? null;
}
