import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { moeq } from '../testkit/capture.js';
import { temporaryFolder } from '../testkit/folder.js';

const text = 'In the beginning was the Word, and the Word was with God, and the Word was God.\n'.repeat(4);
const number = expect.any(Number);

async function textFile(folder: string): Promise<string> {
  const path = join(folder, 'word.txt');
  await writeFile(path, text);
  return path;
}

test('the document of a model alone', async () => {
  await using folder = await temporaryFolder();
  const { status, stdout, stderr } = await moeq(['eval', '--text', await textFile(folder.path), '--json']);
  expect([status, stderr]).toEqual([0, '']);
  const document = JSON.parse(stdout);
  expect(document).toEqual({ model: 'tiny-moe', tokens: number, nll: number, perplexity: number });
  expect(document.perplexity).toBeCloseTo(Math.exp(document.nll), 9);
  expect(document.tokens).toBeGreaterThan(60);
});

test('the document against a baseline, and the page', async () => {
  await using folder = await temporaryFolder();
  const report = join(folder.path, 'a', 'report');
  const argv = ['eval', 'tiny-moe', '--recipe', 'int4', '--baseline', 'tiny-moe'];
  const windows = [
    '--text',
    await textFile(folder.path),
    '--window',
    '32',
    '--stride',
    '16',
    '--max-tokens',
    '60',
  ];
  const { status, stdout, stderr } = await moeq([...argv, ...windows, '--report', report, '--json']);
  expect([status, stderr]).toEqual([0, `report: ${join(report, 'index.html')}\n`]);
  const document = JSON.parse(stdout);
  expect(document).toEqual({
    model: 'tiny-moe',
    tokens: 59,
    nll: number,
    perplexity: number,
    baseline: {
      perplexity: number,
      klDivergence: { mean: number, p99: number, max: number },
      top1Agreement: number,
      routerAgreement: { mean: number, perLayer: Array.from({ length: 6 }, () => number) },
    },
  });
  const { klDivergence, top1Agreement, routerAgreement } = document.baseline;
  expect(klDivergence.mean).toBeGreaterThan(0);
  expect(klDivergence.p99).toBeLessThanOrEqual(klDivergence.max);
  expect(top1Agreement).toBeLessThanOrEqual(1);
  const { mean, perLayer } = routerAgreement;
  expect(mean).toBeCloseTo(perLayer.reduce((sum: number, share: number) => sum + share, 0) / 6, 12);

  expect(await readdir(report)).toEqual(['index.html']);
  const page = await readFile(join(report, 'index.html'), 'utf8');
  expect(page).toContain('word.txt');
  expect(page).toContain(document.perplexity.toFixed(3));
  expect(page).toContain('int4-dq');
  expect(page).not.toMatch(/https?:|<script/);
});

test('the table: a row a text, and the distance from the baseline', async () => {
  await using folder = await temporaryFolder();
  const file = await textFile(folder.path);
  const argv = [
    'eval',
    '--recipe',
    'nf4',
    '--baseline',
    'tiny-moe',
    '-t',
    file,
    '-t',
    file,
    '--max-tokens',
    '20',
  ];
  const { status, stdout } = await moeq(argv);
  expect(status).toBe(0);
  expect(stdout.match(/word\.txt +19 +\d\.\d{4}/g)).toHaveLength(2);
  expect(stdout).toMatch(/all +38 /);
  expect(stdout).toMatch(/KL divergence {2}mean \S+, 99 % below \S+, at most \S+ nats/);
  expect(stdout).toMatch(/layer 5 +[\d.]+ %|layer 5 +100 %/);
  expect(stdout).toMatch(/expert +nf4-dq +4\.13 +9\.20 % +9\.2\d %/);
  expect(stdout).toMatch(/router +BF16 +16\.00 +exact +exact/);
  const alone = await moeq(['eval', '-t', file, '--max-tokens', '20']);
  expect(alone.stdout).not.toContain('KL');
});

test('what cannot be evaluated is one sentence', async () => {
  await using folder = await temporaryFolder();
  const file = await textFile(folder.path);
  const empty = join(folder.path, 'empty.txt');
  await writeFile(empty, '');
  const cases: [argv: string[], status: number, sentence: RegExp][] = [
    [
      ['--text', join(folder.path, 'none.txt')],
      1,
      /none\.txt: cannot read the text: expected a file that can be read/,
    ],
    [['--text', empty], 1, /empty\.txt: cannot evaluate: expected a text of at least 2 tokens, found \d/],
    [
      ['--text', file, '--window', '257'],
      1,
      /option --window: .* at most the context of the model, 256, found 257/,
    ],
    [['--text', file, '--window', '8', '--stride', '9'], 1, /option --stride: .* from 1 to 8, found 9/],
    [['--text', file, '--baseline', join(folder.path, 'none')], 1, /none: cannot open the model/],
    [['--text', file, '--window', '1'], 2, /It takes a whole number, 2 or more/],
  ];
  for (const [argv, status, sentence] of cases) {
    const result = await moeq(['eval', ...argv]);
    expect([result.status, result.stdout], result.stderr).toEqual([status, '']);
    expect(result.stderr).toMatch(sentence);
    expect(result.stderr.trim().split('\n')).toHaveLength(1);
  }
});
