// The built command, as its users start it.
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './testkit/folder.js';

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

test('prints its version, and ends with 1 and 2 where it should', async () => {
  expect(await start('--version').ended).toMatchObject({ status: 0, stderr: '' });
  expect(await start('generate', '-n', 'abc').ended).toMatchObject({ status: 2, stdout: '' });
  const failed = await start('inspect', '/no/such/folder').ended;
  expect(failed).toMatchObject({ status: 1, stdout: '' });
  expect(failed.stderr).toMatch(/^moeq: \/no\/such\/folder: .*\n$/);
});

test('a bare generate writes a text', async () => {
  const { status, stdout, stderr } = await start('generate', '-n', '8').ended;
  expect(status).toBe(0);
  expect(stdout.trim().length).toBeGreaterThan(0);
  expect(stderr).toContain('8 tokens');
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
  const out = join(folder.path, 'out');
  let interrupted = 0;
  for (const milliseconds of [350, 450, 550, 700]) {
    const quantizing = start('quantize', '--out', out, '--recipe', 'int4');
    await new Promise((resolve) => setTimeout(resolve, milliseconds));
    quantizing.kill('SIGINT');
    const { status, signal } = await quantizing.ended;
    // A signal before the command listens ends it as it ends any process; one after the end comes too late.
    if (status === 130) interrupted++;
    else expect([0, 'SIGINT']).toContain(status ?? signal);
    expect(await readdir(folder.path)).toEqual(status === 0 ? ['out'] : []);
    if (status === 0) break;
  }
  expect(interrupted).toBeGreaterThan(0);
});

test.each([
  { signal: 'SIGINT', status: 130 },
  { signal: 'SIGTERM', status: 143 },
] as const)('$signal while generating ends with $status', async ({ signal, status }) => {
  const generating = start('generate', '-n', '200');
  await generating.spoke;
  generating.kill(signal);
  expect(await generating.ended).toMatchObject({ status, signal: null });
});
