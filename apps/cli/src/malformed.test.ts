// Malformed models, as the command meets them: one sentence on stderr, status 1, nothing on stdout, nothing left behind.
import { spawnSync } from 'node:child_process';
import { cp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, test } from 'vitest';
import { moeq, type Outcome } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';
import { type Cases, type Malformed, Spoilt, smallModel } from './testkit/malformed.js';
import { configCases } from './testkit/malformed-config.js';
import { acceptedCases, quantizedCases } from './testkit/malformed-quantized.js';
import { safetensorsCases } from './testkit/malformed-safetensors.js';
import {
  acceptedTokenizers,
  goodTokenizer,
  templateCases,
  tokenizerCases,
} from './testkit/malformed-text.js';

const shared = await temporaryFolder();
const plain = join(shared.path, 'plain');
await cp(smallModel, plain, { recursive: true, filter: (path) => !path.endsWith('reference.safetensors') });
await new Spoilt(plain).write('tokenizer.json', goodTokenizer);
afterAll(() => shared[Symbol.asyncDispose]());

/** The small model with its experts quantized. */
async function quantized(name: string, recipe: string): Promise<string> {
  const out = join(shared.path, name);
  expect(await moeq(['quantize', plain, '--out', out, '--recipe', recipe])).toMatchObject({ status: 0 });
  return out;
}
const bases = {
  plain,
  bitsandbytes: await quantized('bitsandbytes', 'nf4'),
  moeq: await quantized('moeq', 'mixed'),
};

const argumentsOf = (command: string, model: string, out: string): string[] =>
  ({
    quantize: ['quantize', model, '--out', out],
    inspect: ['inspect', model],
    // two tokens may be blanks by the draw
    generate: ['generate', model, '-p', 'abababba', '-n', '2', '--seed', '1'],
    chat: ['chat', model],
  })[command] ?? [];

/** Runs a command on a spoilt copy. */
async function meet(
  { spoil, of = 'plain' }: Omit<Malformed, 'sentence' | 'commands'>,
  command: string,
  options: { stdin?: string } = {},
): Promise<Outcome & { readonly left: readonly string[] }> {
  await using folder = await temporaryFolder();
  const model = join(folder.path, 'model');
  await cp(bases[of], model, { recursive: true });
  await spoil(new Spoilt(model));
  const before = await readdir(folder.path);
  const outcome = await moeq(argumentsOf(command, model, join(folder.path, 'out')), options);
  const left = (await readdir(folder.path)).filter((name) => !before.includes(name));
  return { ...outcome, left };
}

function expectSentence(
  { status, stdout, stderr, left }: Outcome & { readonly left: readonly string[] },
  sentence: RegExp,
) {
  expect(stderr).toMatch(sentence);
  expect({ status, stdout, left }).toEqual({ status: 1, stdout: '', left: [] });
  expect(stderr).toMatch(/^moeq: \S.*: cannot [^\n]+: expected [^\n]+, found [^\n]+\n$/);
  expect(stderr).not.toContain('a fault of moeq itself');
  expect(stderr.length).toBeLessThan(700);
}

const groups: Readonly<Record<string, Cases>> = {
  'weights in safetensors': safetensorsCases,
  'configuration, index and tensors': configCases,
  'quantized weights': quantizedCases,
  tokenizers: tokenizerCases,
};
describe.each(Object.entries(groups))('%s', (_, cases) => {
  const rows = Object.entries(cases).flatMap(([name, each]) =>
    (each.commands ?? (['quantize', 'inspect', 'generate'] as const)).map(
      (command) => [name, command, each] as const,
    ),
  );
  test.each(rows)('%s: %s', async (_name, command, each) => {
    expectSentence(await meet(each, command), each.sentence);
  });
});

test.each(Object.entries(templateCases))('templates: %s', async (_, each) => {
  expectSentence(await meet(each, 'chat', { stdin: 'hello\n' }), each.sentence);
});

const good = { plain: {}, bitsandbytes: { of: 'bitsandbytes' }, moeq: { of: 'moeq' } } as const;
const untouched = Object.entries(good).map(([name, of]) => [name, { ...of, spoil: async () => {} }] as const);

test.each([...untouched, ...Object.entries({ ...acceptedCases, ...acceptedTokenizers })])(
  'is read: %s',
  async (_, each) => {
    const { status, stdout } = await meet(each, 'generate');
    expect(status).toBe(0);
    expect(stdout.trim()).not.toBe('');
  },
);

describe('in bounded memory', () => {
  const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
  const entries = (count: number) =>
    Array.from({ length: count }, (_, i) => `"t${i}":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}`).join(
      ',',
    );

  const large: Cases = {
    'a header of 95 MB, all tiny tensors': {
      spoil: (model) => model.header(`{${entries(1_500_000)}}`),
      sentence: /model\.safetensors: .*at most \d+ tensors, found more/,
    },
    'a header of 95 MB, one name': {
      spoil: (model) => model.header(`{"${'x'.repeat(95_000_000)}":1}`),
      sentence: /model\.safetensors/,
    },
    'a config.json of 16 MB, all brackets': {
      spoil: (model) => model.write('config.json', `{"a":${'['.repeat(8e6)}${']'.repeat(8e6)}}`),
      sentence: /at most 64 levels/,
    },
  };
  test.each(Object.entries(large))('%s', async (_, { spoil, sentence }) => {
    await using folder = await temporaryFolder();
    await cp(smallModel, folder.path, { recursive: true });
    await spoil(new Spoilt(folder.path));
    // a heap that a copy of the input as objects would not fit in
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--max-old-space-size=700', bin, 'inspect', folder.path],
      { encoding: 'utf8' },
    );
    expectSentence({ status: status ?? Number.NaN, stdout, stderr, left: [] }, sentence);
  });
});
