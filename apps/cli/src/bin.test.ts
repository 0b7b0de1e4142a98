// The built command, as its users start it.
import { execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { soundPlugin } from './testkit/broken-plugins.js';
import { temporaryFolder } from './testkit/folder.js';
import { haltingCodebook } from './testkit/plugins.js';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Running {
  readonly pid: number;
  kill(signal: NodeJS.Signals): void;
  /** Resolves with the first bytes on stdout. */
  readonly spoke: Promise<void>;
  /** Reads no more of stdout and closes its end of the pipe. */
  hangUp(): void;
  readonly ended: Promise<Ended>;
}

function start(...argv: string[]): Running {
  const child = spawn(process.execPath, [bin, ...argv], { stdio: ['ignore', 'pipe', 'pipe'] });
  const text = { stdout: '', stderr: '' };
  const spoke = new Promise<void>((resolve) => void child.stdout.once('data', () => resolve()));
  child.stdout.on('data', (data: Buffer) => {
    text.stdout += data.toString();
  });
  child.stderr.on('data', (data: Buffer) => {
    text.stderr += data.toString();
  });
  const ended = new Promise<Ended>((resolve) => {
    child.on('close', (status, signal) => resolve({ status, signal, ...text }));
  });
  return {
    pid: child.pid ?? Number.NaN,
    kill: (signal) => void child.kill(signal),
    spoke,
    hangUp: () => void child.stdout.destroy(),
    ended,
  };
}

/** Resolves once there is such a file. */
async function appearance(path: string): Promise<void> {
  while (!existsSync(path)) await setTimeout(10);
}

/** Prints the file of every module that is loaded. */
const printing = `import { registerHooks } from 'node:module';
import { writeSync } from 'node:fs';
registerHooks({ load(url, context, next) { writeSync(2, url + '\\n'); return next(url, context); } });`;

test.each([
  ['a command', ['quantize', '--help'], ['server', 'evaluate', 'grammar', 'webgpu']],
  ['the version', ['--version'], ['server', 'evaluate', 'loader', 'wasm', 'runtime']],
])('%s loads no package of other commands', async (_, argv, others) => {
  const hooks = `data:text/javascript,${encodeURIComponent(printing)}`;
  const { stderr } = await promisify(execFile)(process.execPath, ['--import', hooks, bin, ...argv]);
  expect(stderr).toMatch(/commander/);
  const packages = [...stderr.matchAll(/\/(?:packages|apps)\/([a-z-]+)\/dist\//g)].map(([, name]) => name);
  expect(packages).toContain('cli');
  expect(packages).toContain('tensors');
  expect(packages.filter((name) => others.includes(name ?? ''))).toEqual([]);
});

test('prints its version, and ends with 1 and 2 where it should', async () => {
  expect(await start('--version').ended).toMatchObject({ status: 0, stderr: '' });
  expect(await start('generate', '-n', 'abc').ended).toMatchObject({ status: 2, stdout: '' });
  const failed = await start('inspect', '/no/such/folder').ended;
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(/^moeq: \/no\/such\/folder: .*\n$/);
});

test('a bare generate writes a text, and its seed writes it again', async () => {
  const { status, stdout, stderr } = await start('generate', '-n', '8').ended;
  expect(status).toBe(0);
  const [, seed = ''] = /^8 tokens.* seed (\d+)\n$/.exec(stderr) ?? [];
  const again = await start('generate', '-n', '8', '--seed', seed, '--json').ended;
  expect(stdout).toBe(`${JSON.parse(again.stdout).text}\n`);
});

test('a reader that leaves early ends it without a word', async () => {
  const generating = start('generate', '-n', '100');
  await generating.spoke;
  generating.hangUp();
  const { status, signal, stderr } = await generating.ended;
  expect({ status, signal, stderr }).toEqual({ status: 0, signal: null, stderr: '' });
});

test('Ctrl-C while quantizing ends with 130 and leaves nothing', async () => {
  await using folder = await temporaryFolder();
  const [plugin, outputs] = [join(folder.path, 'plugin'), join(folder.path, 'outputs')];
  await Promise.all([mkdir(plugin), mkdir(outputs)]);
  const module = join(plugin, 'halting.mjs');
  await writeFile(module, haltingCodebook);
  const quantizing = start(
    'quantize',
    '--out',
    join(outputs, 'out'),
    '--plugin',
    module,
    '--recipe',
    'even16',
  );
  // The quantizer halts at its first matrix until the signal is there.
  await appearance(join(plugin, 'halted'));
  expect(await readdir(outputs)).toEqual([expect.stringMatching(/^out\.partial-/)]);
  quantizing.kill('SIGINT');
  await writeFile(join(plugin, 'go'), '');
  expect(await quantizing.ended).toMatchObject({ status: 130, signal: null, stdout: '' });
  expect(await readdir(outputs)).toEqual([]);
});

test.each([
  { code: 'process.exit(0)', status: 1 },
  { code: 'process.exit(7)', status: 7 },
])('a plugin that calls $code does not look like work done', async ({ code, status }) => {
  await using folder = await temporaryFolder();
  const module = join(folder.path, 'ending.mjs');
  await writeFile(module, soundPlugin.replace('{ ...sound,', `{ ...sound, quantize() { ${code}; },`));
  const out = join(folder.path, 'out');
  const ended = await start('quantize', '--out', out, '--plugin', module, '--recipe', 'mine').ended;
  expect(ended).toMatchObject({ status, signal: null, stdout: '' });
  expect(ended.stderr).toMatch(/^moeq: the process was ended before the work was done: expected .*\n$/m);
  expect(existsSync(out)).toBe(false);
});

test.skipIf(!existsSync('/dev/full'))('output that has no room is an error with a sentence', async () => {
  await using full = await open('/dev/full', 'w');
  const child = spawn(process.execPath, [bin, 'inspect', 'tiny-moe'], { stdio: ['ignore', full.fd, 'pipe'] });
  const [stderr, status] = await Promise.all([
    text(child.stderr as Readable),
    new Promise((resolve) => void child.on('close', resolve)),
  ]);
  expect(stderr).toBe('moeq: standard output: cannot write: expected room for it, found ENOSPC\n');
  expect(status).toBe(1);
});

test.each(['setTimeout(() => { throw new Error("late"); })', 'Promise.reject(new Error("late"))'])(
  'a plugin that fails outside of a call ends the command with one sentence: %s',
  async (code) => {
    await using folder = await temporaryFolder();
    const module = join(folder.path, 'late.mjs');
    await writeFile(
      module,
      soundPlugin.replace(
        '{ ...sound,',
        `{ ...sound, quantize(...all) { ${code}; return sound.quantize(...all); },`,
      ),
    );
    const out = join(folder.path, 'out');
    const ended = await start('quantize', '--out', out, '--plugin', module, '--recipe', 'mine').ended;
    expect(ended).toMatchObject({ status: 1, signal: null, stdout: '' });
    expect(ended.stderr).toMatch(
      /^moeq: the process was ended: expected no error outside of a call, found the error "late" at \S*late\.mjs:\d+:\d+\n$/,
    );
    expect(existsSync(out)).toBe(false);
  },
);

test.each([
  { signal: 'SIGINT', status: 130 },
  { signal: 'SIGTERM', status: 143 },
] as const)('$signal while generating ends with $status', async ({ signal, status }) => {
  const generating = start('generate', '-n', '200');
  await generating.spoke;
  generating.kill(signal);
  expect(await generating.ended).toMatchObject({ status, signal: null });
});
