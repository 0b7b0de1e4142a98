// Where texts end, and what a tokenizer or template that cannot be read stops: nothing but texts.
import { assertTakes } from '@moeq/runtime';
import { describe, expect, test } from 'vitest';
import { openModelFiles } from './model-source.js';
import { goldenConfig, goldenPath, readTensors } from './testkit/golden.js';
import { checkpointFiles } from './testkit/memory-files.js';

const config = goldenConfig('mixtral');
const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
const tokenizer = {
  added_tokens: [
    { content: '</s>', special: true },
    { content: '<|im_end|>', special: true },
  ],
  model: { type: 'BPE', vocab: { a: 0 }, merges: [] },
};
const open = (files: Record<string, string | object>, changes: object = {}) =>
  openModelFiles(checkpointFiles({ ...config, ...changes }, tensors, files));

describe('texts end at the ends of all files', () => {
  const eos = (eos_token: unknown) => ({ 'tokenizer_config.json': { eos_token } });
  test.each<[string, Record<string, object>, object, number[]]>([
    ['generation_config.json', { 'generation_config.json': { eos_token_id: [1, 9] } }, {}, [1, 9]],
    ['config.json where that says none', { 'generation_config.json': {} }, { eos_token_id: 7 }, [7]],
    [
      'both',
      { 'generation_config.json': { eos_token_id: 1 }, ...eos('<|im_end|>') },
      { eos_token_id: 7 },
      [1, 2],
    ],
    ['a token as an object', { ...eos({ content: '<|im_end|>' }) }, { eos_token_id: null }, [2]],
    [
      'special_tokens_map.json',
      { 'special_tokens_map.json': { eos_token: '</s>' } },
      { eos_token_id: [1] },
      [1],
    ],
    ['a token that is none before is one then', { ...eos('<end>') }, { eos_token_id: null }, [3]],
    ['no token', { ...eos(null) }, { eos_token_id: null }, []],
  ])('%s', async (_, files, changes, ends) => {
    const opened = await open({ 'tokenizer.json': tokenizer, ...files }, changes);
    expect(opened.stopTokenIds).toEqual(ends);
  });
});

test.each<[string, Record<string, object>, object, number[], string]>([
  [
    'generation_config.json',
    { 'generation_config.json': { eos_token_id: [1, 50279, 160] } },
    {},
    [1],
    'eos_token_id 50279, 160',
  ],
  [
    'generation_config.json',
    { 'generation_config.json': { eos_token_id: [2, -1] } },
    {},
    [2],
    'eos_token_id -1',
  ],
  ['generation_config.json', { 'generation_config.json': { eos_token_id: -1 } }, {}, [], 'eos_token_id -1'],
  ['config.json', {}, { eos_token_id: 50279 }, [], 'eos_token_id 50279'],
  ['config.json', {}, { eos_token_id: 'end' }, [], 'eos_token_id "end"'],
])(
  'an end that is no token in %s is left out, and a notice names it',
  async (file, files, changes, ends, name) => {
    const opened = await open(files, changes);
    expect(opened.stopTokenIds).toEqual(ends);
    expect(opened.report().notices).toEqual([
      expect.stringMatching(`${file}: ${name} is no token of the vocabulary of 160 and ends no text`),
    ]);
  },
);

describe('generation_config.json stops nothing', () => {
  const file = 'generation_config.json';
  test.each<[string | object, object, RegExp[]]>([
    [{ top_k: -1, top_p: 1.5, do_sample: 1 }, { topK: 0, greedy: false }, []],
    [{ top_k: 0, top_p: null, temperature: 0.5 }, { topK: 0, temperature: 0.5 }, []],
    [
      '{"temperature": Infinity, "min_p": 2}',
      {},
      [/: temperature .*, min_p "2" cannot be used for sampling/],
    ],
    [{ temperature: -1, top_k: 5 }, { topK: 5 }, [/: temperature "-1" cannot be used/]],
    [{ do_sample: 'yes', max_new_tokens: 0 }, {}, [/: do_sample "yes", max_new_tokens "0" cannot/]],
    [
      { repetition_penalty: [1], top_p: -1, top_k: 1.5 },
      {},
      [/top_k "1\.5", top_p "-1", repetition_penalty/],
    ],
    ['null', {}, [/generation_config\.json: .*a JSON object, found "null"; the file is left out$/]],
    ['', {}, [/generation_config\.json: .*a JSON object, .*; the file is left out$/]],
    ['{', {}, [/generation_config\.json: .*; the file is left out$/]],
  ])('%j', async (content, generation, notices) => {
    const opened = await open({ 'tokenizer.json': tokenizer, [file]: content }, { eos_token_id: [1] });
    expect(opened.generation).toEqual(generation);
    expect(opened.stopTokenIds).toEqual([1]);
    expect(opened.report().notices).toEqual(notices.map((notice) => expect.stringMatching(notice)));
  });
});

describe('what cannot be read stops texts only', () => {
  test('a tokenizer', async () => {
    const opened = await open({ 'tokenizer.json': { ...tokenizer, decoder: { type: 'Telepathy' } } });
    expect(opened.tokenizer).toBeNull();
    expect(opened.stopTokenIds).toEqual([2]);
    expect(() => assertTakes(opened, 'text')).toThrow(/decoder \("Telepathy"\) with a type among/);
  });

  test('a file beside it', async () => {
    const opened = await open({ 'tokenizer.json': tokenizer, 'tokenizer_config.json': '{' });
    expect(() => assertTakes(opened, 'text')).toThrow(/tokenizer_config\.json: cannot read the file/);
    expect(() => opened.formatChat?.([])).toThrow(/tokenizer_config\.json: cannot read the file/);
  });

  test('a template', async () => {
    const opened = await open({ 'tokenizer.json': tokenizer, 'chat_template.jinja': '{% for' });
    expect(opened.tokenizer?.encode('a')).toEqual([0]);
    expect(() => assertTakes(opened, 'text')).not.toThrow();
    expect(() => assertTakes(opened, 'messages')).toThrow(
      /chat_template\.jinja: cannot read the chat template/,
    );
  });

  test('a template that refuses a conversation is read, and fails with a code', async () => {
    const template = "{{ raise_exception('not so') }}";
    const opened = await open({ 'tokenizer.json': tokenizer, 'chat_template.jinja': template });
    expect(() => assertTakes(opened, 'messages')).not.toThrow();
    expect(() => opened.formatChat?.([])).toThrow(expect.objectContaining({ code: 'templateFailed' }));
  });

  test('none is said to be none', async () => {
    const opened = await open({});
    expect(opened.unreadableTokenizer).toBeUndefined();
    expect(() => assertTakes(opened, 'text')).toThrow(/expected token ids, as there is no tokenizer/);
  });
});
