// Checkpoints that cannot be, each refused in one sentence that names file or field, expected and found.

import { nf4 } from '@moeq/quantizers';
import { encodeSafetensors, fromFloat32, MoeqError, type Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { FileSet } from './files/file-set.js';
import { openModelFiles } from './model-source.js';
import { goldenConfig, goldenPath, readTensors } from './testkit/golden.js';
import { checkpointFiles, memoryFiles } from './testkit/memory-files.js';
import { fuseMixtral, quantizeExperts } from './testkit/quantized.js';

const config = goldenConfig('mixtral');
const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
const fused = fuseMixtral(tensors, 4);
const quantized = quantizeExperts(tensors, config, nf4(), 'bitsandbytes');
const owned = quantizeExperts(tensors, config, nf4(), 'moeq');

const expert = (index: number, w: string) => `model.layers.1.block_sparse_moe.experts.${index}.${w}.weight`;
const zeros = (...shape: number[]): Tensor => ({
  dtype: 'BF16',
  shape,
  data: fromFloat32(new Float32Array(shape.reduce((product, size) => product * size, 1)), 'BF16'),
});

/** The checkpoint with fields of config.json changed. */
const withConfig = (changes: object) => checkpointFiles({ ...config, ...changes }, tensors);
/** The checkpoint with tensors changed; undefined takes one away. */
function withTensors(
  changes: Readonly<Record<string, Tensor | undefined>>,
  of = tensors,
  own: object = config,
): FileSet {
  const changed = new Map(of);
  for (const [name, tensor] of Object.entries(changes)) {
    if (tensor === undefined) changed.delete(name);
    else changed.set(name, tensor);
  }
  return checkpointFiles(own, changed);
}
const encode = (names: readonly string[]) =>
  encodeSafetensors(Object.fromEntries(names.map((name) => [name, tensors.get(name) ?? zeros(1)])));
const [first = '', ...others] = tensors.keys();
/** Two shards under an index. */
const sharded = (
  index: unknown,
  shards: Record<string, Uint8Array> = { 'a.safetensors': encode([first]), 'b.safetensors': encode(others) },
) => memoryFiles({ 'config.json': config, 'model.safetensors.index.json': index as object, ...shards });
const weightMap = (a: string, b: string) => ({
  weight_map: { [first]: a, ...Object.fromEntries(others.map((name) => [name, b])) },
});

const cases: Record<string, [files: FileSet, sentence: RegExp]> = {
  'no config': [memoryFiles({}), /^memory: cannot open the model: expected a config\.json, found none$/],
  'a config that is a page': [
    memoryFiles({ 'config.json': '<!doctype html>' }),
    /memory\/config\.json: .*expected a JSON object, found text that begins with "<!doctype html>"/,
  ],
  'a config that is a list': [memoryFiles({ 'config.json': [] }), /expected a JSON object, found "\[\]"/],
  'a config that is no text': [
    memoryFiles({ 'config.json': Uint8Array.of(0xff, 0xfe) }),
    /expected text in UTF-8/,
  ],
  'a config of 20 MB': [
    memoryFiles({ 'config.json': ' '.repeat(20_000_000) }),
    /expected at most 16777216 bytes, found 20000000 bytes/,
  ],
  'a config 100,000 deep': [
    memoryFiles({ 'config.json': `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}` }),
    /^memory\/config\.json: cannot read the file: expected JSON of at most 64 levels, found more$/,
  ],
  'an architecture 100,000 deep': [
    memoryFiles({ 'config.json': `${'{"model_type":'.repeat(100_000)}1${'}'.repeat(100_000)}` }),
    /at most 64 levels/,
  ],
  'a tokenizer 100,000 deep': [
    checkpointFiles(config, tensors, {
      'tokenizer.json': `{"decoder":${'['.repeat(100_000)}${']'.repeat(100_000)}}`,
    }),
    /tokenizer\.json: .* at most 64 levels/,
  ],
  'a tokenizer whose prefix is no text': [
    checkpointFiles(config, tensors, {
      'tokenizer.json': {
        model: { type: 'WordPiece', vocab: { a: 0 }, unk_token: 'a', continuing_subword_prefix: [['x']] },
      },
    }),
    /tokenizer\.json: cannot read the tokenizer: expected .*continuing_subword_prefix/,
  ],
  'an unknown architecture': [
    withConfig({ model_type: 'bert' }),
    /model_type to be one of mixtral, qwen2_moe, qwen3_moe, olmoe, granitemoe, .*found "bert"/,
  ],
  'no architecture': [withConfig({ model_type: undefined }), /found no model_type/],
  'an architecture from a prototype': [withConfig({ model_type: 'constructor' }), /found "constructor"/],
  'no hidden size': [withConfig({ hidden_size: undefined }), /expected a field hidden_size, found none/],
  'half a layer': [
    withConfig({ num_hidden_layers: 1.5 }),
    /num_hidden_layers to be an integer from 1 to 1024, found "1.5"/,
  ],
  'a billion layers': [withConfig({ num_hidden_layers: 1e9 }), /num_hidden_layers .*found "1000000000"/],
  'no experts': [
    withConfig({ num_local_experts: 0 }),
    /num_local_experts to be an integer from 1 to 16384, found "0"/,
  ],
  'a billion experts': [
    withConfig({ num_local_experts: 1e9 }),
    /num_local_experts to be an integer from 1 to 16384, found "1000000000"/,
  ],
  'more experts than tensors': [withConfig({ num_local_experts: 5 }), /gate\.weight.*\[5,64\].*\[4,64\]/],
  'two numbers of experts': [
    withConfig({ num_experts: 8 }),
    /num_experts equal to num_local_experts, found "8" and "4"/,
  ],
  'more experts per token than experts': [
    withConfig({ num_experts_per_tok: 5 }),
    /num_experts_per_tok to be at most the number of experts, 4, found 5/,
  ],
  'no experts per token': [
    withConfig({ num_experts_per_tok: 0 }),
    /num_experts_per_tok to be an integer from 1/,
  ],
  'heads that do not divide': [
    withConfig({ num_key_value_heads: 3 }),
    /multiple of num_key_value_heads, found 4 and 3/,
  ],
  'a width that heads do not divide': [
    withConfig({ num_attention_heads: 6, num_key_value_heads: 2 }),
    /hidden_size to be a multiple of num_attention_heads, found 64 and 6/,
  ],
  'an unknown activation': [
    withConfig({ hidden_act: 'tanhshrink' }),
    /hidden_act to be .*silu.*found "tanhshrink"/,
  ],
  'positions of another kind': [
    withConfig({ rope_parameters: { rope_type: 'abacus', rope_theta: 1e4 } }),
    /rope_parameters\.rope_type to be one of default, linear, .*found "abacus"/,
  ],
  'an infinite epsilon': [withConfig({ rms_norm_eps: -1 }), /rms_norm_eps to be a number above 0/],
  'no weights': [
    memoryFiles({ 'config.json': config, 'pytorch_model.bin': '' }),
    /model\.safetensors or model\.safetensors\.index\.json, found pytorch_model\.bin/,
  ],
  'a page for weights': [
    memoryFiles({ 'config.json': config, 'model.safetensors': '<html>'.repeat(20) }),
    /model\.safetensors/,
  ],
  'a shard that is missing': [
    sharded(weightMap('a.safetensors', 'c.safetensors')),
    /index\.json: .*expected a shard named "c\.safetensors" in the folder, found no such file/,
  ],
  'a shard above the folder': [
    sharded(weightMap('../a.safetensors', 'b.safetensors')),
    /"\.\.\/a\.safetensors"/,
  ],
  'a shard anywhere': [sharded(weightMap('/a.safetensors', 'b.safetensors')), /"\/a\.safetensors"/],
  'a shard on the net': [
    sharded(weightMap('https://example.org/a.safetensors', 'b.safetensors')),
    /"https:\/\/example\.org\/a\.safetensors"/,
  ],
  'a tensor in another shard': [
    sharded(weightMap('b.safetensors', 'b.safetensors')),
    /b\.safetensors: .*as the index says, found no such tensor/,
  ],
  'a tensor in two shards': [
    sharded(weightMap('a.safetensors', 'b.safetensors'), {
      'a.safetensors': encode([first]),
      'b.safetensors': encode([first, ...others]),
    }),
    /in one shard only, found it in memory\/a\.safetensors too/,
  ],
  'an index without shards': [sharded({ weight_map: {} }), /1 to 4096 shards, found 0/],

  'one expert of one layer missing': [
    withTensors({ [expert(2, 'w3')]: undefined }),
    /expected tensor "model\.layers\.1\.block_sparse_moe\.experts\.2\.w3\.weight", found no such tensor/,
  ],
  'an expert too many': [
    withTensors({ [expert(4, 'w1')]: zeros(96, 64) }),
    /experts 0 to 3 in layer 1, as config\.json says, found tensor "model\.layers\.1.*experts\.4\.w1\.weight"/,
  ],
  'no router': [
    withTensors({ 'model.layers.0.block_sparse_moe.gate.weight': undefined }),
    /tensor "model\.layers\.0\.block_sparse_moe\.gate\.weight", found no such tensor/,
  ],
  'two routers': [
    withTensors({ 'model.layers.0.mlp.gate.weight': zeros(4, 64) }),
    /one tensor as router of its layer, found "model\.layers\.0\.block_sparse_moe\.gate\.weight" and "model\.layers\.0\.mlp\.gate\.weight"/,
  ],
  'no head': [withTensors({ 'lm_head.weight': undefined }), /tensor "lm_head\.weight", found no such tensor/],
  'a bias that the model does not have': [
    withTensors({ 'model.layers.0.self_attn.q_proj.bias': zeros(64) }),
    /only tensors that mixtral has, found "model\.layers\.0\.self_attn\.q_proj\.bias"/,
  ],
  'an unknown tensor': [
    withTensors({ 'model.layers.0.mlp.gate_up_proj': zeros(2) }),
    /only tensors that mixtral has/,
  ],
  'a layer number with a zero in front': [
    withTensors({ 'model.layers.00.input_layernorm.weight': zeros(64) }),
    /only tensors that mixtral has/,
  ],
  'a transposed expert': [
    withTensors({ [expert(0, 'w1')]: zeros(64, 96) }),
    /with shape \[96,64\], as config\.json says, found \[64,96\], its transpose/,
  ],
  'transposed fused experts': [
    withTensors({ 'model.layers.0.mlp.experts.down_proj': zeros(4, 96, 64) }, fused),
    /\[4,64,96\], as config\.json says, found \[4,96,64\], its transpose/,
  ],
  'half of a fused layout': [
    withTensors({ 'model.layers.0.mlp.experts.gate_up_proj': zeros(4, 96, 64) }, fused),
    /\[4,192,64\], as config\.json says, found \[4,96,64\]/,
  ],
  'fused gate and up, single down': [
    withTensors(
      {
        'model.layers.0.mlp.experts.down_proj': undefined,
        ...Object.fromEntries(
          [0, 1, 2, 3].map((e) => [`model.layers.0.block_sparse_moe.experts.${e}.w2.weight`, zeros(64, 96)]),
        ),
      },
      fused,
    ),
    /one layout for the experts of layer 0, found ".*" and ".*"/,
  ],
  'fused and single experts together': [
    withTensors({ [expert(0, 'w1')]: zeros(96, 64) }, fused),
    /one layout for the experts of layer 1/,
  ],
  'no fused down': [
    withTensors({ 'model.layers.1.mlp.experts.down_proj': undefined }, fused),
    /tensor "model\.layers\.1\.mlp\.experts\.down_proj", found no such tensor/,
  ],
  'integers for weights': [
    withTensors({ 'lm_head.weight': { dtype: 'I8', shape: [160, 64], data: new Uint8Array(160 * 64) } }),
    /"lm_head\.weight" in F32, F16 or BF16.*found I8/,
  ],

  'an unknown quantization': [
    checkpointFiles({ ...config, quantization_config: { quant_method: 'hqq' } }, tensors),
    /quant_method bitsandbytes, fp8, moeq, mxfp4, .* or modelopt, found "hqq"/,
  ],
  'a quantization that is no object': [
    checkpointFiles({ ...config, quantization_config: 'nf4' }, tensors),
    /quant_method bitsandbytes, fp8, moeq, mxfp4, .* or modelopt, found "nf4"/,
  ],
  'a quantization without a method': [
    checkpointFiles({ ...config, quantization_config: { bits: 4 } }, tensors),
    /quant_method bitsandbytes, fp8, moeq, mxfp4, .* or modelopt, found none/,
  ],
  'a quantization that no tensor has': [
    checkpointFiles({ ...quantized.config }, tensors),
    /tensors quantized as quantization_config says, bitsandbytes, found none/,
  ],
  'a quantization that config.json keeps quiet about': [
    checkpointFiles(config, quantized.tensors),
    /only tensors that mixtral has, found ".*\.absmax"/,
  ],
  'another type than config.json says': [
    checkpointFiles(
      {
        ...config,
        quantization_config: { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'fp4' },
      },
      quantized.tensors,
    ),
    /to say what "model\..*" is, nf4, found fp4/,
  ],
  '8 bits where there are 4': [
    checkpointFiles(
      { ...config, quantization_config: { quant_method: 'bitsandbytes', load_in_8bit: true } },
      quantized.tensors,
    ),
    /is, nf4, found int8/,
  ],
  'codes of another size': [
    withTensors(
      { [expert(0, 'w1')]: { dtype: 'U8', shape: [100, 1], data: new Uint8Array(100) } },
      quantized.tensors,
      quantized.config,
    ),
    /of 3072 bytes, \[96,64\] in nf4, found 100/,
  ],
  'a plane that is missing': [
    withTensors({ [`${expert(0, 'w1')}.scales`]: undefined }, owned.tensors, owned.config),
    /config\.json: .*\.scales", as quantization_config says, found no such tensor/,
  ],
  'a plane too many': [
    withTensors({ [`${expert(0, 'w1')}.offsets`]: zeros(3) }, owned.tensors, owned.config),
    /only tensors that mixtral has, found ".*\.offsets"/,
  ],
};

describe('is refused in one sentence', () => {
  test.each(Object.entries(cases))('%s', async (_, [files, sentence]) => {
    const failure: unknown = await openModelFiles(files).then(
      // what stops texts only
      ({ unreadableTokenizer }) => unreadableTokenizer,
      (error: unknown) => error,
    );
    expect(MoeqError.isInstance(failure)).toBe(true);
    const { message } = failure as MoeqError;
    expect(message).toMatch(sentence);
    expect(message).toMatch(/^\S.*: cannot .+: expected .+, found .+$/);
    expect(message.length).toBeLessThan(500);
  });
});

test('the same files unchanged are accepted', async () => {
  const accepted = [
    checkpointFiles(config, tensors),
    checkpointFiles(config, fused),
    sharded(weightMap('a.safetensors', 'b.safetensors')),
  ];
  accepted.push(
    checkpointFiles(quantized.config, quantized.tensors),
    checkpointFiles(owned.config, owned.tensors),
  );
  for (const files of accepted) {
    const opened = await openModelFiles(files);
    expect(opened.config.architecture).toBe('mixtral');
    await opened.close();
  }
});
