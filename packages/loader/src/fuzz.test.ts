// Files with a part replaced by anything that JSON can say, and templates of random words: each is accepted or refused in
// one sentence, and nothing else.
import { readFileSync } from 'node:fs';
import { MoeqError } from '@moeq/tensors';
import { modelFiles } from '@moeq/tiny-moe';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chatFormatter } from './chat-template/chat-formatter.js';
import { readTextParts } from './files/text-files.js';
import { openModelFiles } from './model-source.js';
import { goldenConfig, goldenNames, goldenPath, readTensors } from './testkit/golden.js';
import { checkpointFiles, memoryFiles } from './testkit/memory-files.js';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** MOEQ_FUZZ_RUNS=100000 for a long search. */
const { MOEQ_FUZZ_RUNS = '300' } = process.env;
const runs = Number(MOEQ_FUZZ_RUNS);

/** Anything, with the numbers that break things among it. */
const anything = fc.oneof(
  fc.jsonValue() as fc.Arbitrary<Json>,
  fc.constantFrom<Json>(0, -1, 0.5, 1e9, 2 ** 53, 1e308, '', '0', '__proto__', [], {}, null, true, [[]], {
    type: 'BPE',
  }),
);

/** `value` with the part at a random path replaced. */
function replaced(value: Json, path: readonly number[], by: Json): Json {
  const [step, ...rest] = path;
  if (step === undefined || typeof value !== 'object' || value === null) return by;
  const keys = Object.keys(value);
  if (keys.length === 0) return by;
  const key = keys[step % keys.length] as string;
  const part = replaced((value as Record<string, Json>)[key] ?? null, rest, by);
  if (Array.isArray(value)) return value.map((item: Json, index) => (index === Number(key) ? part : item));
  return { ...value, [key]: part };
}

const path = fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 });

/** @returns null where it is accepted */
async function refusal(action: () => unknown): Promise<unknown> {
  try {
    await action();
    return null;
  } catch (error) {
    return error;
  }
}

function expectSentence(error: unknown): void {
  if (error === null) return;
  if (!MoeqError.isInstance(error)) throw error;
  expect(error.message).toMatch(/^\S.*: cannot .+: expected .+, found .+$/s);
  expect(error.message.length).toBeLessThan(1000);
}

describe('config.json and generation_config.json', () => {
  test.each(goldenNames)('%s', async (name) => {
    const config = goldenConfig(name) as { [key: string]: Json };
    const tensors = await readTensors(`${goldenPath(name)}/model.safetensors`);
    const generation: Json = {
      eos_token_id: [2],
      temperature: 1,
      top_k: 0,
      do_sample: true,
      max_new_tokens: 5,
    };
    await fc.assert(
      fc.asyncProperty(path, anything, path, anything, async (at, by, generationAt, generationBy) => {
        const files = checkpointFiles(replaced(config, at, by) as object, tensors, {
          'generation_config.json': replaced(generation, generationAt, generationBy) as object,
        });
        expectSentence(await refusal(async () => (await openModelFiles(files)).close()));
      }),
      { numRuns: runs },
    );
  });
});

test('quantization_config', async () => {
  const config = goldenConfig('mixtral') as { [key: string]: Json };
  const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
  const own = fc.oneof(
    anything,
    fc.record({
      quant_method: fc.constantFrom('moeq', 'bitsandbytes', 'toString'),
      tensors: anything,
      layouts: anything,
      load_in_4bit: anything,
    }),
  );
  await fc.assert(
    fc.asyncProperty(own, async (quantization) => {
      const files = checkpointFiles({ ...config, quantization_config: quantization }, tensors);
      expectSentence(await refusal(async () => (await openModelFiles(files)).close()));
    }),
    { numRuns: runs },
  );
});

describe('tokenizer.json', () => {
  const url = modelFiles['tokenizer.json'];
  if (url === undefined) throw new Error('tiny-moe has a tokenizer');
  const whole = JSON.parse(readFileSync(url, 'utf8')) as {
    model: { vocab: Record<string, Json>; merges: Json[] };
  };
  const vocab = Object.fromEntries(Object.entries(whole.model.vocab).slice(0, 300));
  const small = {
    ...whole,
    model: { ...whole.model, vocab, merges: whole.model.merges.slice(0, 20) },
  };
  const parts: Json = {
    ...small,
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'NFC' },
        { type: 'Replace', pattern: { String: ' ' }, content: '_' },
        { type: 'Strip', strip_left: true, strip_right: false },
        { type: 'Prepend', prepend: '_' },
      ],
    },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: ' ?\\p{L}+' }, behavior: 'Isolated', invert: false },
        { type: 'Digits', individual_digits: true },
        { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
      ],
    },
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '_' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
  };

  test.each([
    ['tiny-moe', small as Json],
    ['one of many parts', parts],
  ])('%s', async (_, file) => {
    await fc.assert(
      fc.asyncProperty(path, anything, async (at, by) => {
        const files = memoryFiles({ 'tokenizer.json': replaced(file, at, by) as object });
        const error = await refusal(async () => {
          const { tokenizer, unreadableTokenizer } = await readTextParts(files, 4096);
          if (unreadableTokenizer !== undefined) throw unreadableTokenizer;
          tokenizer?.decode(tokenizer.encode('In the 20 beginnings, éä 🦉\n'));
        });
        expectSentence(error);
      }),
      { numRuns: runs },
    );
  });
});

test('chat templates of random words', async () => {
  const words = fc.constantFrom(
    '{{',
    '}}',
    '{%',
    '%}',
    '{#',
    '#}',
    'for',
    'in',
    'if',
    'else',
    'endif',
    'endfor',
    'set',
    'macro',
    'endmacro',
    'messages',
    'm',
    'loop',
    '.',
    '[',
    ']',
    '(',
    ')',
    '|',
    '~',
    '+',
    '*',
    '**',
    '=',
    '==',
    ',',
    ':',
    '-',
    "'a'",
    '"',
    '1',
    '999999',
    'range',
    'namespace',
    'join',
    'tojson',
    'length',
    'upper',
    'split',
    'replace',
    'indent',
    'map',
    'selectattr',
    '__proto__',
    'constructor',
    'not',
    'is',
    'defined',
    ' ',
    '\n',
  );
  await fc.assert(
    fc.asyncProperty(fc.array(words, { maxLength: 40 }), fc.boolean(), async (list, spaced) => {
      const template = list.join(spaced ? ' ' : '');
      const error = await refusal(() =>
        chatFormatter(template, {}, 'template')([{ role: 'user', content: 'x' }]),
      );
      expectSentence(error);
    }),
    { numRuns: 2 * runs },
  );
});
