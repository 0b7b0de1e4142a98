import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { backendNames } from './backend.js';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';

const commands = ['quantize', 'merge', 'inspect', 'generate', 'chat', 'eval', 'bench', 'logits'];

test('help and version go to stdout, with status 0', async () => {
  for (const argv of [[], ['--help'], ['-h'], ['help']]) {
    const { status, stdout, stderr } = await moeq(argv);
    expect([status, stderr], argv.join(' ')).toEqual([0, '']);
    for (const command of commands) expect(stdout).toContain(command);
  }
  for (const command of commands) {
    const { status, stdout, stderr } = await moeq([command, '--help']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/Examples?:\n {2}moeq |While chatting:/);
    for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(110);
  }
  const manifest = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
  expect(await moeq(['--version'])).toEqual({ status: 0, stdout: `${manifest.version}\n`, stderr: '' });
});

test('a wrong command line is one sentence on stderr, with status 2', async () => {
  const cases: readonly [argv: string[], sentence: string][] = [
    [['bogus'], "moeq: unknown command 'bogus'"],
    [['generat'], "moeq: unknown command 'generat'\n(Did you mean generate?)"],
    [['generate', '--bogus'], "moeq: unknown option '--bogus'"],
    [['generate', 'a', 'b'], 'moeq: too many arguments'],
    [['quantize'], "moeq: required option '-o, --out <path>' not specified"],
    [['logits', '--out', 'x'], "moeq: required option '--token-ids <file.json>' not specified"],
    [
      ['generate', '-n', 'abc'],
      "moeq: option '-n, --tokens <count>' argument 'abc' is invalid. It takes a whole number, 1 or more.",
    ],
    [['generate', '-n', '0'], 'It takes a whole number, 1 or more.'],
    [['generate', '--temperature', '-1'], 'It takes a number from 0 to 100.'],
    [['generate', '--top-p', '0'], 'It takes a number above 0, at most 1.'],
    [['generate', '--min-p', '1.5'], 'It takes a number from 0 to 1.'],
    [['generate', '--repetition-penalty', '0'], 'It takes a number above 0.'],
    [['generate', '--seed', '1e3'], 'It takes a whole number from 0 to 4294967295.'],
    [['generate', '--backend', 'cuda'], `It takes one of ${backendNames.join(', ')}.`],
    [['generate', '--threads', '0'], 'It takes a whole number from 1 to 1024.'],
    [['quantize', '--out', 'x', '--shard', '3/2'], 'It takes i/n, part i of n, from 1/n to n/n.'],
    [
      ['quantize', '--out', 'x', '--shard', '1/2', '--resume'],
      "option '--resume' cannot be used with option '--shard <i/n>'",
    ],
    [['merge', '--out', 'x'], "missing required argument 'dir'"],
    [['generate', '--stop', ''], 'It takes a text of at least one character.'],
  ];
  for (const [argv, sentence] of cases) {
    const { status, stdout, stderr } = await moeq(argv);
    expect([status, stdout], argv.join(' ')).toEqual([2, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.startsWith('moeq: ')).toBe(true);
  }
});

test('work that fails is one sentence on stderr, with status 1; the stack trace only under --debug', async () => {
  await using folder = await temporaryFolder();
  const none = join(folder.path, 'none');
  const cases: readonly [argv: string[], sentence: string][] = [
    [
      ['inspect', none],
      `moeq: ${none}: cannot open the model: expected a folder with a checkpoint, found no such folder`,
    ],
    [['generate', none], 'no such folder'],
    [['chat', none], 'no such folder'],
    [['inspect', folder.path], 'expected a config.json'],
    [['quantize', none, '--out', `${none}-out`], 'no such folder'],
    [
      ['quantize', '--out', `${none}-out`, '--recipe', 'nf5'],
      'expected one of nf4, nf4-all, int4, int8, mixed',
    ],
    [
      ['quantize', '--out', `${none}-out`, '--recipe', `${none}.json`],
      `${none}.json: cannot read the recipe`,
    ],
    [['quantize', '--out', `${none}-out`, '--plugin', `${none}.mjs`], `${none}.mjs: cannot load the plugin`],
    [['merge', none, '--out', `${none}-out`], `${none}: cannot merge: expected a part of a conversion`],
    [['logits', '--token-ids', none, '--out', none], `${none}: cannot read token ids`],
  ];
  for (const [argv, sentence] of cases) {
    const { status, stdout, stderr } = await moeq(argv);
    expect([status, stdout], argv.join(' ')).toEqual([1, '']);
    expect(stderr).toContain(sentence);
    expect(stderr.trimEnd().split('\n')).toHaveLength(1);
  }
  const { status, stderr } = await moeq(['inspect', none, '--debug']);
  expect(status).toBe(1);
  expect(stderr).toMatch(/no such folder\n.*\n? *at /s);
});

test('an interrupt is status 130', async () => {
  const { status, stdout } = await moeq(['generate', '--json'], { signal: AbortSignal.abort() });
  expect([status, stdout]).toEqual([130, '']);
});
