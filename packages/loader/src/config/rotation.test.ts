// Scaled rotations of five architectures against transformers (testdata/rotations): below and beyond the original
// length, token by token across it, on the reference backend; and what is refused, by the name of its field.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { createEngine, createModel, type Model } from '@moeq/runtime';
import type { Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { openModelFiles } from '../model-source.js';
import { goldenConfig, goldenPath, largestDifference, Reference, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { findArchitecture } from './architectures.js';
import { attentionOf } from './attention-of.js';

interface RotationCase {
  readonly name: string;
  readonly variant: string;
  /** Fields of config.json; null takes one away. */
  readonly changes: Readonly<Record<string, unknown>>;
  readonly ids: readonly number[];
  readonly argmax: readonly number[];
  readonly generated: readonly number[];
}

const data = (file: string) => fileURLToPath(new URL(`../../testdata/rotations/${file}`, import.meta.url));
const cases = JSON.parse(readFileSync(data('cases.json'), 'utf8')) as RotationCase[];
const reference = await Reference.open(data('logits.safetensors'));
const weights = new Map<string, Map<string, Tensor>>();
/** Architectures whose rotations the references scale. */
const names = [...new Set(cases.map(({ name }) => name))];
for (const name of names) {
  weights.set(name, await readTensors(`${goldenPath(name)}/model.safetensors`));
}

/** Rows of the long sequence that the reference holds, and the length of the short one. */
const rows = [20, 39];
const short = 12;
/** Float32 against float32 in another order, as for the architectures. */
const tolerance = 2e-3;

function configOf({ name, changes }: Pick<RotationCase, 'name' | 'changes'>): Record<string, unknown> {
  const config = { ...goldenConfig(name), ...changes };
  return Object.fromEntries(
    Object.entries(config).filter(([key, value]) => !(key in changes) || value !== null),
  );
}

async function modelOf(each: Pick<RotationCase, 'name' | 'changes'>, prefillChunk?: number): Promise<Model> {
  const source = await openModelFiles(checkpointFiles(configOf(each), weights.get(each.name) ?? new Map()));
  return createModel(source, { backend: referenceBackend(), prefillChunk });
}

function argmax(logits: Float32Array): number {
  return logits.reduce((best, value, index) => (value > (logits[best] ?? 0) ? index : best), 0);
}

test('every architecture with every kind of scaling is there', () => {
  expect(cases).toHaveLength(40);
  expect(names.sort()).toEqual(['granitemoe', 'mixtral', 'olmoe', 'qwen2_moe', 'qwen3_moe']);
});

describe.each(cases)('$name, $variant', (each) => {
  const { name, variant, ids } = each;
  const expected = (what: string) => reference.floats(`${name}/${variant}/${what}`);

  test('prompts below and beyond the original length, in chunks of any size', async () => {
    for (const chunk of [256, 7]) {
      const model = await modelOf(each, chunk);
      const { logits, vocabularySize: width } = await model.logits([...ids]);
      const row = (of: Float32Array, index: number) => of.subarray(index * width, (index + 1) * width);
      for (const [i, index] of rows.entries()) {
        expect(largestDifference(row(logits, index), row(expected('long'), i))).toBeLessThan(tolerance);
      }
      expect(ids.map((_, index) => argmax(row(logits, index)))).toEqual(each.argmax);
      const { logits: first } = await model.logits(ids.slice(0, short));
      expect(largestDifference(row(first, short - 1), expected('short'))).toBeLessThan(tolerance);
      await model.close();
    }
  });

  test('greedy text across the original length, and the last logits of it', async () => {
    const model = await modelOf(each);
    const pieces = model.generate(ids.slice(0, short), {
      temperature: 0,
      stopTokenIds: [],
      maxNewTokens: each.generated.length,
      logprobs: 20,
    });
    const found: number[] = [];
    let last: readonly { readonly tokenId: number; readonly logprob: number }[] = [];
    for await (const { tokenId, logprobs } of pieces) {
      if (tokenId !== null) found.push(tokenId);
      last = logprobs?.top ?? last;
    }
    expect(found).toEqual(each.generated);
    const logits = expected('decoded');
    const log = Math.log(logits.reduce((sum, value) => sum + Math.exp(value), 0));
    for (const { tokenId, logprob } of last) {
      expect(Math.abs(logprob - ((logits[tokenId] ?? Number.NaN) - log))).toBeLessThan(tolerance);
    }
    expect(last).toHaveLength(20);
    await model.close();
  });
});

describe.each(cases.filter(({ name, variant }) => name === 'qwen3_moe' && /dynamic|longrope$/.test(variant)))(
  'many texts at once, $variant',
  (each) => {
    test('a request rotates alike beside others, with a shared prefix, and after a preemption', async () => {
      const prompts = [12, 9, 28, 25, 28].map((length) => each.ids.slice(0, length));
      // Up to the end of the context: the first two, admitted together, outgrow the page that admission keeps for each.
      const optionsOf = (prompt: readonly number[]) => ({
        temperature: 0,
        stopTokenIds: [],
        maxNewTokens: 40 - prompt.length,
      });
      const model = await modelOf(each);
      const alone: (readonly number[])[] = [];
      for (const prompt of prompts) alone.push((await model.complete(prompt, optionsOf(prompt))).tokenIds);
      await model.close();
      const files = checkpointFiles(configOf(each), weights.get(each.name) ?? new Map());
      const sizes = { contextLength: 40, kvCacheTokens: 80, prefillChunk: 8 };
      const crowded = await createModel(await openModelFiles(files), {
        backend: referenceBackend(),
        ...sizes,
      });
      const engine = createEngine(crowded);
      const texts = await Promise.all(
        prompts.map(async (prompt) => {
          const ids: number[] = [];
          for await (const { tokenId } of engine.generate(prompt, optionsOf(prompt)))
            if (tokenId !== null) ids.push(tokenId);
          return ids;
        }),
      );
      expect(texts).toEqual(alone);
      expect(engine.statistics().preemptions).toBeGreaterThan(0);
      expect(engine.statistics().tokens.cached).toBeGreaterThan(0);
      await engine.close();
      await crowded.close();
    });
  },
);

describe('what cannot be', () => {
  const parameters = (value: unknown) => ({ name: 'mixtral', changes: { rope_parameters: value } });
  const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 16 };
  const longrope = { rope_type: 'longrope', short_factor: Array(8).fill(1), long_factor: Array(8).fill(2) };
  const llama3 = { rope_type: 'llama3', factor: 8, low_freq_factor: 1, high_freq_factor: 4 };
  const refused: [value: unknown, message: RegExp][] = [
    [
      { rope_type: 'mrope' },
      /rope_parameters\.rope_type to be one of default, linear, dynamic, llama3, yarn, longrope, found "mrope"/,
    ],
    [{ type: 3 }, /rope_parameters\.type to be one of .*found "3"/],
    ['yarn', /rope_parameters to be an object, found "yarn"/],
    [{ rope_type: 'linear' }, /a field rope_parameters\.factor, found none/],
    [{ rope_type: 'linear', factor: 0 }, /rope_parameters\.factor to be a number above 0, found "0"/],
    [{ rope_type: 'dynamic', factor: '2' }, /rope_parameters\.factor to be a number above 0, found "2"/],
    [{ rope_type: 'linear', factor: Infinity }, /rope_parameters\.factor to be a number above 0/],
    [{ rope_type: 'yarn' }, /a field rope_parameters\.factor, found none/],
    [
      { ...yarn, original_max_position_embeddings: 0 },
      /original_max_position_embeddings to be an integer from 1/,
    ],
    [{ ...yarn, beta_fast: -1 }, /rope_parameters\.beta_fast to be a number above 0/],
    [{ ...yarn, truncate: 1 }, /rope_parameters\.truncate to be true or false/],
    [{ ...yarn, attention_factor: 0 }, /rope_parameters\.attention_factor to be a number above 0/],
    [{ ...yarn, rope_theta: -1 }, /rope_parameters\.rope_theta to be a number above 0/],
    [{ ...yarn, rope_theta: 1 }, /rope_parameters\.rope_theta to be other than 1, where YaRN has no/],
    [{ ...yarn, partial_rotary_factor: 0.5 }, /rope_parameters\.partial_rotary_factor to be 1/],
    [
      { ...llama3, high_freq_factor: 1 },
      /rope_parameters\.high_freq_factor to be above low_freq_factor, 1, found "1"/,
    ],
    [{ ...llama3, low_freq_factor: undefined }, /a field rope_parameters\.low_freq_factor, found none/],
    [
      { ...longrope, short_factor: [1] },
      /rope_parameters\.short_factor to be a list of 8 numbers, half a head, found "1"/,
    ],
    [{ ...longrope, long_factor: undefined }, /a field rope_parameters\.long_factor, found none/],
    [
      { ...longrope, long_factor: [0, 1, 1, 1, 1, 1, 1, 1] },
      /rope_parameters\.long_factor\.0 to be a number above 0/,
    ],
  ];
  test.each(refused)('%j', async (value, message) => {
    const config = configOf(parameters(value));
    const files = checkpointFiles(config, weights.get('mixtral') ?? new Map());
    await expect(openModelFiles(files)).rejects.toThrow(message);
    expect(() => findArchitecture(config, 'config.json').decoder(config, 'config.json')).toThrow(message);
    // its tensors can be read all the same
    const checkpoint = await openCheckpoint(files);
    expect(checkpoint.refusal?.message).toMatch(message);
    await checkpoint.close();
  });

  test('rope_scaling wins over rope_parameters, an empty one does not', () => {
    const ropeOf = (changes: object) => {
      const config = { ...goldenConfig('mixtral'), ...changes };
      const { layers } = findArchitecture(config, 'config.json').decoder(config, 'config.json');
      return attentionOf(layers[0])?.rope;
    };
    const gptOss = (changes: object) => {
      const config = { ...goldenConfig('gpt_oss'), ...changes };
      const { layers } = findArchitecture(config, 'config.json').decoder(config, 'config.json');
      return attentionOf(layers[0])?.rope?.scaling?.kind;
    };
    expect(gptOss({ rope_parameters: undefined })).toBe('yarn');
    expect(gptOss({ rope_parameters: undefined, rope_scaling: {} })).toBe('yarn');
    expect(gptOss({ rope_parameters: {} })).toBeUndefined();
    const linear = { rope_type: 'linear', factor: 2 };
    expect(ropeOf({ rope_scaling: linear, rope_theta: 7 })).toMatchObject({
      theta: 7,
      scaling: { kind: 'linear' },
    });
    expect(ropeOf({ rope_scaling: {}, rope_parameters: { rope_theta: 5 } })).toEqual({
      theta: 5,
      rotatedDim: 16,
      style: 'halves',
    });
    expect(ropeOf({ rope_scaling: null, rope_parameters: linear })).toMatchObject({
      theta: 1e6,
      scaling: { factor: 2 },
    });
  });

  test('the default rotation turns whole heads, whatever partial_rotary_factor says, as in transformers', () => {
    for (const name of ['mixtral', 'qwen2_moe', 'qwen3_moe', 'olmoe', 'granitemoe'] as const) {
      const ropeOf = (parameters: object) => {
        const config = { ...goldenConfig(name), rope_parameters: { rope_theta: 1000, ...parameters } };
        return attentionOf(findArchitecture(config, 'config.json').decoder(config, 'config.json').layers[0])
          ?.rope;
      };
      const whole = ropeOf({ rope_type: 'default' });
      expect(whole).toMatchObject({ theta: 1000 });
      expect(ropeOf({ rope_type: 'default', partial_rotary_factor: 0.5 })).toEqual(whole);
    }
  });

  test.each([
    [{ rope_type: 'linear', factor: 4 }, 512],
    [{ rope_type: 'dynamic', factor: 2.5 }, 320],
    [{ ...yarn, original_max_position_embeddings: 64 }, 256],
    [yarn, 128],
    [longrope, 128],
  ])('%j makes room for %i tokens', (value, length) => {
    const config = configOf(parameters(value));
    expect(findArchitecture(config, 'config.json').decoder(config, 'config.json').contextLength).toBe(length);
  });
});
