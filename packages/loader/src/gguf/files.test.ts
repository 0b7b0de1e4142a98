// GGUF files opened as checkpoints: configuration, names, order of rows, experts one by one, and what is refused.
import { decodeTensor, fromFloat32, isQuantized, MoeqError, toFloat32 } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { openModelFiles } from '../model-source.js';
import { type Changes, f32, numbers, openSmall, text, texts, u32 } from '../testkit/gguf.js';
import { ggufPlace } from './names.js';

const floatsOf = async (changes: Changes, name: string): Promise<Float32Array> => {
  const checkpoint = await openCheckpoint(await openSmall(changes));
  const tensor = await checkpoint.tensors.find(({ facts }) => facts.name === name)?.read();
  if (tensor === undefined) throw new Error(`no ${name}`);
  return isQuantized(tensor) ? decodeTensor(tensor) : toFloat32(tensor.data, tensor.dtype);
};

describe('a Mixtral', async () => {
  const files = await openSmall();
  const checkpoint = await openCheckpoint(files);

  test('is the checkpoint that transformers would have', () => {
    expect(checkpoint.config).toMatchObject({
      architectures: ['MixtralForCausalLM'],
      model_type: 'mixtral',
      vocab_size: 6,
      hidden_size: 32,
      intermediate_size: 64,
      num_local_experts: 2,
      num_experts_per_tok: 1,
      num_key_value_heads: 2,
      rms_norm_eps: 1e-5,
      rope_theta: 1e6,
      max_position_embeddings: 16,
      tie_word_embeddings: false,
      torch_dtype: 'float32',
    });
    const facts = checkpoint.tensors.map((tensor) => [tensor.facts.name, tensor.stored, tensor.facts.shape]);
    expect(facts).toEqual(
      expect.arrayContaining([
        ['model.layers.0.block_sparse_moe.experts.0.w1.weight', 'q8_0', [64, 32]],
        ['model.layers.0.block_sparse_moe.experts.1.w3.weight', 'q4_0', [64, 32]],
        ['model.layers.0.block_sparse_moe.experts.1.w2.weight', 'F32', [32, 64]],
        ['model.layers.0.block_sparse_moe.gate.weight', 'F32', [2, 32]],
        ['lm_head.weight', 'F32', [6, 32]],
      ]),
    );
    expect(checkpoint.tensors).toHaveLength(10 + 2 * 3);
  });

  test('a tied head, a sliding window of none, heads of every layer', async () => {
    const tied = await openCheckpoint(await openSmall({ tensors: { 'output.weight': undefined } }));
    expect(tied.decoder.tiedHead).toBe(true);
    const heads = { 'llama.attention.head_count_kv': numbers('i32', [2]) };
    expect((await openCheckpoint(await openSmall({ metadata: heads }))).decoder).toEqual(checkpoint.decoder);
    const ones = fromFloat32(new Float32Array(4).fill(1), 'F32');
    const derived = await openSmall({ tensors: { 'rope_freqs.weight': ['F32', [4], ones] } });
    expect((await openCheckpoint(derived)).tensors).toHaveLength(16);
  });

  test('query and key rows lie as transformers has them, and in parts too', async () => {
    const rows = fromFloat32(
      Float32Array.from({ length: 1024 }, (_, i) => Math.floor(i / 32)),
      'F32',
    );
    const changes: Changes = { tensors: { 'blk.0.attn_q.weight': ['F32', [32, 32], rows] } };
    const query = await floatsOf(changes, 'model.layers.0.self_attn.q_proj.weight');
    // heads of 8 rows: 0 2 4 6 1 3 5 7
    expect([...query].filter((_, i) => i % 32 === 0).slice(0, 10)).toEqual([0, 2, 4, 6, 1, 3, 5, 7, 8, 10]);
    const opened = await openCheckpoint(await openSmall(changes));
    const tensor = opened.tensors.find(({ slot }) => slot === 'query');
    const part = await tensor?.readBytes(128, 256);
    expect(toFloat32(part ?? new Uint8Array(), 'F32')).toEqual(query.subarray(32, 96));
    await expect(tensor?.readBytes(4000, 97)).rejects.toThrow(/within the 4096 bytes/);
  });

  test('one tensor an expert, as files before 2024 have them', async () => {
    const own = (name: string) => ({ [`blk.0.${name}_exps.weight`]: undefined });
    const one = (name: string, shape: number[]) =>
      Object.fromEntries([0, 1].map((e) => [`blk.0.${name}.${e}.weight`, ['F32', shape] as const]));
    const older = await openCheckpoint(
      await openSmall({
        tensors: {
          ...own('ffn_gate'),
          ...own('ffn_up'),
          ...own('ffn_down'),
          ...one('ffn_gate', [64, 32]),
          ...one('ffn_up', [64, 32]),
          ...one('ffn_down', [32, 64]),
        },
      }),
    );
    expect(older.tensors.map(({ facts }) => facts.name).sort()).toEqual(
      checkpoint.tensors.map(({ facts }) => facts.name).sort(),
    );
  });
});

const tokens = texts(['<s>', '</s>', 'a', 'b', 'ab', '<u>']);
const tokenizer = {
  'tokenizer.ggml.model': text('gpt2'),
  'tokenizer.ggml.pre': text('gpt-2'),
  'tokenizer.ggml.tokens': tokens,
  'tokenizer.ggml.token_type': numbers('i32', [3, 3, 1, 1, 1, 4]),
  'tokenizer.ggml.merges': texts(['a b']),
  'tokenizer.ggml.bos_token_id': u32(0),
  'tokenizer.ggml.eos_token_id': u32(1),
};

test('metadata is read as data: opening a model makes none of its JSON files', async () => {
  const files = await openSmall({ metadata: tokenizer });
  const opened: string[] = [];
  const watched = { ...files, open: (name: string) => files.open(name).finally(() => opened.push(name)) };
  const model = await openModelFiles(watched);
  expect(model.tokenizer?.encode('ab')).toEqual([4]);
  expect(model.stopTokenIds).toEqual([1]);
  expect(opened.filter((name) => name.endsWith('.json'))).toEqual([]);
});

test('tokenizer, template and ends of a text', async () => {
  const model = await openModelFiles(
    await openSmall({
      metadata: {
        ...tokenizer,
        'tokenizer.ggml.eot_token_id': u32(5),
        'tokenizer.ggml.add_bos_token': { type: 'bool', value: true },
        'tokenizer.ggml.add_eos_token': { type: 'bool', value: true },
        'tokenizer.chat_template': text('{{ bos_token }}{{ messages[0].content }}'),
      },
    }),
  );
  expect(model.tokenizer?.encode('abba<u>')).toEqual([0, 4, 3, 2, 5, 1]);
  expect(model.tokenizer?.decode([0, 4, 3, 5, 1], { skipSpecialTokens: true })).toBe('abb<u>');
  expect(model.stopTokenIds).toEqual([1, 5]);
  expect(model.formatChat?.([{ role: 'user', content: 'x' }])).toBe('<s>x');
  const broken = { ...tokenizer, 'tokenizer.chat_template': text('{% for') };
  const silent = await openModelFiles(await openSmall({ metadata: broken }));
  expect(() => silent.formatChat?.([])).toThrow(/^x\.gguf.*cannot read the chat template/);
  const plain = await openModelFiles(await openSmall({ metadata: tokenizer }));
  expect(plain.tokenizer?.encode('ab')).toEqual([4]);
  expect((await openModelFiles(await openSmall())).tokenizer).toBeNull();
});

describe('what does not fit is one sentence with file and key', () => {
  const meta = (own: NonNullable<Changes['metadata']>): Changes => ({ metadata: own });
  test.each<[name: string, changes: Changes, sentence: RegExp]>([
    [
      'no architecture',
      meta({ 'general.architecture': undefined }),
      /general\.architecture to be one of llama/,
    ],
    [
      'another architecture',
      meta({ 'general.architecture': text('rwkv') }),
      /llama \(mixtral\).*found "rwkv"/,
    ],
    ['an architecture that is a number', meta({ 'general.architecture': u32(1) }), /found "1"/],
    ['a dense llama', meta({ 'llama.expert_count': undefined }), /found llama without experts/],
    ['no experts', meta({ 'llama.expert_count': u32(0) }), /num_local_experts to be an integer from 1/],
    [
      'more experts than tensors',
      meta({ 'llama.expert_count': u32(3) }),
      /"model\.layers\.0\.block_sparse_moe/,
    ],
    ['2^32 - 1 layers', meta({ 'llama.block_count': u32(2 ** 32 - 1) }), /num_hidden_layers .*1 to 1024/],
    [
      'a width that is text',
      meta({ 'llama.embedding_length': text('32') }),
      /key "llama\.embedding_length": .*a number/,
    ],
    [
      'heads unlike by layer',
      meta({ 'llama.attention.head_count': numbers('i32', [4, 2]) }),
      /same number for every/,
    ],
    [
      'an epsilon of NaN',
      meta({ 'llama.attention.layer_norm_rms_epsilon': f32(Number.NaN) }),
      /rms_norm_eps/,
    ],
    [
      'a rotation that is not known',
      meta({ 'llama.rope.scaling.type': text('x') }),
      /rope_scaling\.rope_type/,
    ],
    [
      'a rotation without a factor',
      meta({ 'llama.rope.scaling.type': text('yarn') }),
      /rope_scaling\.factor/,
    ],
    [
      'a part of a model under another name',
      meta({ 'split.count': { type: 'u16', value: 3 } }),
      /a name that ends with -00001-of-00003\.gguf/,
    ],
    [
      'no embedding',
      { tensors: { 'token_embd.weight': undefined } },
      /a tensor "token_embd\.weight", found none/,
    ],
    [
      'an unknown tensor',
      { tensors: { 'blk.0.attn_sinks': ['F32', [4]] } },
      /only tensors that llama has.*attn_sinks/,
    ],
    [
      'an expert in two tensors',
      { tensors: { 'blk.0.ffn_up.1.weight': ['F32', [64, 32]] } },
      /one tensor as "model\.layers\.0\.block_sparse_moe\.experts\.1\.w3\.weight", found "blk\.0\.ffn_up\.1\.weight"/,
    ],
    ['a tensor of layer 1', { tensors: { 'blk.1.ffn_norm.weight': ['F32', [32]] } }, /layers 0 to 0/],
    [
      'a layer without router',
      { tensors: { 'blk.0.ffn_gate_inp.weight': undefined } },
      /block_sparse_moe\.gate/,
    ],
    ['a transposed matrix', { tensors: { 'blk.0.attn_v.weight': ['F32', [32, 16]] } }, /its transpose/],
    ['integers', { tensors: { 'blk.0.attn_v.weight': ['I32', [16, 32]] } }, /in F32, F16 or BF16/],
    [
      'another tokenizer',
      meta({ ...tokenizer, 'tokenizer.ggml.model': text('rwkv') }),
      /gpt2 or llama, found "rwkv"/,
    ],
    ['another pre-tokenizer', meta({ ...tokenizer, 'tokenizer.ggml.pre': text('x') }), /gpt-2, .*found "x"/],
    ['no tokens', meta({ ...tokenizer, 'tokenizer.ggml.tokens': undefined }), /expected tokens, found none/],
    ['a token twice', meta({ ...tokenizer, 'tokenizer.ggml.tokens': texts(['a', 'a']) }), /each token once/],
    ['too few types', meta({ ...tokenizer, 'tokenizer.ggml.token_type': numbers('i32', [1]) }), /6 numbers/],
    ['types that are text', meta({ ...tokenizer, 'tokenizer.ggml.token_type': tokens }), /a list of numbers/],
    [
      'an id out of range',
      meta({ ...tokenizer, 'tokenizer.ggml.eos_token_id': u32(6) }),
      /an id below 6, found 6/,
    ],
    [
      'no scores',
      meta({ ...tokenizer, 'tokenizer.ggml.model': text('llama') }),
      /scores, one a token, found none/,
    ],
    [
      'a merge of one',
      meta({ ...tokenizer, 'tokenizer.ggml.merges': texts(['ab']) }),
      /model .*pairs of tokens as merges, found "ab"/,
    ],
  ])('%s', async (_, changes, sentence) => {
    const error: unknown = await openSmall(changes)
      .then((files) => openModelFiles(files))
      .then(
        // what stops texts only
        ({ unreadableTokenizer }) => unreadableTokenizer,
        (cause: unknown) => cause,
      );
    expect(MoeqError.isInstance(error)).toBe(true);
    expect((error as Error).message).toMatch(/^x\.gguf/);
    expect((error as Error).message).toMatch(sentence);
  });
});

describe('laws', () => {
  test('names', () => {
    expect(ggufPlace('blk.12.ffn_gate_exps.weight')).toEqual({ slot: 'expertGate', layer: 12 });
    expect(ggufPlace('blk.3.ffn_down.7.weight')).toEqual({ slot: 'expertDown', layer: 3, expert: 7 });
    expect(ggufPlace('output.weight')).toEqual({ slot: 'head' });
    for (const name of [
      '',
      'blk.',
      'blk.x.attn_q.weight',
      'blk.01.attn_q.weight',
      'blk.{layer}.attn_q.weight',
      '__proto__',
    ]) {
      expect(ggufPlace(name)).toBeNull();
    }
  });
});
