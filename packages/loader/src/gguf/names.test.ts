// The names of GGUF tensors by slot, as the constants of gguf-py and the loaders of llama.cpp have them, written down here
// by hand: https://github.com/ggml-org/llama.cpp, gguf-py/gguf/constants.py (TENSOR_NAMES) and src/models/*.cpp.
import { describe, expect, test } from 'vitest';
import { ggufNames, ggufPlace } from './names.js';

/** Without `blk.N.` in front; what mixers and MLPs of one kind have stands together. */
const expected: Readonly<Record<string, Partial<Record<keyof typeof ggufNames, string>>>> = {
  'gated delta nets: qwen3next.cpp, qwen35moe.cpp': {
    deltaQkvz: 'ssm_in.weight',
    deltaBetaDecay: 'ssm_ba.weight',
    deltaQkv: 'attn_qkv.weight',
    deltaGate: 'attn_gate.weight',
    deltaBeta: 'ssm_beta.weight',
    deltaDecay: 'ssm_alpha.weight',
    deltaTaps: 'ssm_conv1d.weight',
    deltaDecayLog: 'ssm_a',
    deltaDecayBias: 'ssm_dt.bias',
    deltaNorm: 'ssm_norm.weight',
    deltaOutput: 'ssm_out.weight',
  },
  'gated attention: afmoe.cpp, step35.cpp': { attentionGate: 'attn_gate.weight' },
  'Kimi delta attention: kimi-linear.cpp': {
    kimiQuery: 'attn_q.weight',
    kimiKey: 'attn_k.weight',
    kimiValue: 'attn_v.weight',
    kimiBeta: 'ssm_beta.weight',
    kimiQueryTaps: 'ssm_conv1d_q.weight',
    kimiKeyTaps: 'ssm_conv1d_k.weight',
    kimiValueTaps: 'ssm_conv1d_v.weight',
    kimiDecayDown: 'ssm_f_a.weight',
    kimiDecayUp: 'ssm_f_b.weight',
    kimiDecayLog: 'ssm_a',
    kimiDecayBias: 'ssm_dt.bias',
    kimiGateDown: 'ssm_g_a.weight',
    kimiGateUp: 'ssm_g_b.weight',
    kimiNorm: 'ssm_norm.weight',
    kimiOutput: 'attn_output.weight',
  },
  'Mamba and Mamba 2: jamba.cpp, granite-hybrid.cpp, nemotron-h.cpp': {
    mambaInput: 'ssm_in.weight',
    mambaTaps: 'ssm_conv1d.weight',
    mambaTapsBias: 'ssm_conv1d.bias',
    mambaSelection: 'ssm_x.weight',
    mambaTimeStep: 'ssm_dt.weight',
    mambaTimeStepBias: 'ssm_dt.bias',
    mambaTimeStepNorm: 'ssm_dt_norm.weight',
    mambaBNorm: 'ssm_b_norm.weight',
    mambaCNorm: 'ssm_c_norm.weight',
    mambaDecay: 'ssm_a',
    mambaSkip: 'ssm_d',
    mambaNorm: 'ssm_norm.weight',
    mambaOutput: 'ssm_out.weight',
  },
  'short convolutions: lfm2moe.cpp': {
    convInput: 'shortconv.in_proj.weight',
    convTaps: 'shortconv.conv.weight',
    convOutput: 'shortconv.out_proj.weight',
  },
  'latent attention: deepseek2.cpp': {
    queryDown: 'attn_q_a.weight',
    queryDownNorm: 'attn_q_a_norm.weight',
    queryUp: 'attn_q_b.weight',
    latentDown: 'attn_kv_a_mqa.weight',
    latentNorm: 'attn_kv_a_norm.weight',
    latentUp: 'attn_kv_b.weight',
  },
  'Gemma 4: gemma4.cpp': {
    mixerPostNorm: 'post_attention_norm.weight',
    mlpPostNorm: 'post_ffw_norm.weight',
    densePostNorm: 'post_ffw_norm_1.weight',
    expertNorm: 'pre_ffw_norm_2.weight',
    expertPostNorm: 'post_ffw_norm_2.weight',
    routerNorm: 'ffn_gate_inp.scale',
    expertScales: 'ffn_down_exps.scale',
    layerInputGate: 'inp_gate.weight',
    layerInputOutput: 'proj.weight',
    layerInputPostNorm: 'post_norm.weight',
    layerScale: 'layer_output_scale.weight',
  },
  'experts: build_moe_ffn of all': {
    router: 'ffn_gate_inp.weight',
    correctionBias: 'exp_probs_b.bias',
    expertGate: 'ffn_gate_exps.weight',
    expertUp: 'ffn_up_exps.weight',
    expertGateUp: 'ffn_gate_up_exps.weight',
    expertDown: 'ffn_down_exps.weight',
    expertLatentDown: 'ffn_latent_down.weight',
    expertLatentUp: 'ffn_latent_up.weight',
    sharedGate: 'ffn_gate_shexp.weight',
    sharedUp: 'ffn_up_shexp.weight',
    sharedDown: 'ffn_down_shexp.weight',
    sharedOutputGate: 'ffn_gate_inp_shexp.weight',
  },
};

describe.each(Object.entries(expected))('%s', (_, slots) => {
  test.each(Object.entries(slots))('%s', (slot, name) => {
    expect(ggufNames[slot as keyof typeof ggufNames]).toBe(`blk.{layer}.${name}`);
    expect(ggufPlace(`blk.3.${name}`, {}, (place) => place.slot === slot)).toEqual({ slot, layer: 3 });
  });
});

test('tensors of no layer', () => {
  expect(ggufNames).toMatchObject({
    embedding: 'token_embd.weight',
    head: 'output.weight',
    finalNorm: 'output_norm.weight',
    layerInputEmbedding: 'per_layer_token_embd.weight',
    layerInputModelProjection: 'per_layer_model_proj.weight',
    layerInputNorm: 'per_layer_proj_norm.weight',
  });
});
