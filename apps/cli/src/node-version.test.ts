// On a Node that is too old the built command says so in one sentence, before it loads anything that needs a newer one.
import { execFile, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { transform } from 'esbuild';
import { expect, test } from 'vitest';
import { olderNode } from './node-version.js';
import { temporaryFolder } from './testkit/folder.js';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const dist = fileURLToPath(new URL('../dist/', import.meta.url));
const sentence = (version: string) => `cannot start: expected Node 22.12 or later, found ${version}`;

const packages = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(root, group)).map((name) => join(root, group, name)),
);
const manifestOf = (folder: string) => JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));

test('every package, and every page on it, says the same Node', () => {
  for (const folder of packages) expect(manifestOf(folder).engines, folder).toEqual({ node: '>=22.12' });
  for (const page of ['README.md', 'CONTRIBUTING.md', 'apps/cli/README.md'])
    expect(readFileSync(join(root, page), 'utf8'), page).toContain('Node 22.12 or later');
});

test.each([
  ['22.12.0', true],
  ['22.13.1', true],
  ['23.0.0', true],
  ['100.0.0', true],
  ['22.11.0', false],
  ['20.20.2', false],
  ['8.17.0', false],
])('Node %s is new enough: %s', (version, good) => {
  expect(olderNode(version)).toBe(good ? null : sentence(version));
});

test('what runs first imports nothing but itself, in a syntax that Node 14 reads', async () => {
  const seen = new Set(['bin.js']);
  for (const file of seen) {
    const code = readFileSync(join(dist, file), 'utf8');
    const [plain, lowered] = await Promise.all([
      transform(code, { target: 'esnext', format: 'esm' }),
      transform(code, { target: 'es2020', format: 'esm' }),
    ]);
    expect(lowered.code, file).toBe(plain.code);
    for (const [, path] of code.matchAll(/^(?:import|export)\b[^;]*?from "(.+?)"/gm)) {
      expect(path).toMatch(/^\.\//);
      seen.add((path as string).slice(2));
    }
  }
  expect(seen.size).toBeLessThan(4);
});

const pretend = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '20.18.1' })`;

const forNode = packages
  .filter((folder) => manifestOf(folder).exports?.['./node'] !== undefined)
  .map((folder) => ({ name: `${manifestOf(folder).name}/node`, entry: join(folder, 'dist/node.js') }));

test('packages with an entry point for Node', () => {
  expect(forNode.map(({ name }) => name)).toContain('@moeq/server/node');
});

test.concurrent.for(forNode)(
  'the built $name does not load on an older one',
  async ({ entry }, { expect }) => {
    const loaded = promisify(execFile)(process.execPath, ['--import', pretend, entry]);
    await expect(loaded).rejects.toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`MoeqError: moeq: ${sentence('20.18.1')}`),
    });
  },
);

/** Quantizes with the built command. */
async function quantize(node: string, ...flags: string[]) {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const args = [...flags, join(dist, 'bin.js'), 'quantize', 'tiny-moe', '--out', out];
  const { status, stdout, stderr } = spawnSync(node, args, { encoding: 'utf8' });
  return { status, stdout, stderr, written: existsSync(out) };
}

test('under the version number of Node 20 the command does nothing', async () => {
  expect(await quantize(process.execPath, '--import', pretend)).toEqual({
    status: 1,
    stdout: '',
    stderr: `moeq: ${sentence('20.18.1')}\n`,
    written: false,
  });
});

/** An older Node of this machine, with its version. */
const older = (process.env['PATH'] ?? '')
  .split(delimiter)
  .map((folder) => join(folder, 'node'))
  .filter((path) => existsSync(path))
  .map((path) => ({
    path,
    version: spawnSync(path, ['--version'], { encoding: 'utf8' }).stdout.trim().slice(1),
  }))
  .find(({ version }) => /^(1[4-9]|2[01])\./.test(version));

test.skipIf(older === undefined)(`on Node ${older?.version ?? '20 (none on this machine)'} too`, async () => {
  const { path = '', version = '' } = older ?? {};
  expect(await quantize(path)).toEqual({
    status: 1,
    stdout: '',
    stderr: `moeq: ${sentence(version)}\n`,
    written: false,
  });
});
