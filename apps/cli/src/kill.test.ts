// kill -9 of the built command: the output folder is absent, or complete to the last byte.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './testkit/folder.js';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const preload = new URL('testkit/killed-at.ts', import.meta.url).href;

/** Of fresh outputs, and as many of outputs that are replaced; more where a run is asked to be thorough. */
const kills = process.env['MOEQ_THOROUGH'] === '1' ? 30 : 10;

/** Runs a quantize, with environment variables of testkit/killed-at.ts. @returns the signal that ended it */
function quantize(env: Record<string, string>, out: string, ...more: string[]): Promise<string | null> {
  const child = spawn(process.execPath, ['--import', preload, bin, 'quantize', '--out', out, ...more], {
    stdio: 'ignore',
    env: { ...process.env, ...env },
  });
  return new Promise((resolve) => child.on('exit', (_, signal) => resolve(signal)));
}

/** Name and hash of every file; null where there is no folder. */
async function contents(folder: string): Promise<Record<string, string> | null> {
  const names = await readdir(folder).catch(() => null);
  if (names === null) return null;
  const hash = async (name: string) =>
    createHash('sha256')
      .update(await readFile(join(folder, name)))
      .digest('hex');
  return Object.fromEntries(
    await Promise.all(names.sort().map(async (name) => [name, await hash(name)] as const)),
  );
}

/** Where to kill: the first change, the last ones, and others at random between. */
function instants(changes: number): number[] {
  const last = [1, 2, 3, 4].map((back) => changes - back);
  const between = Array.from({ length: kills - 1 - last.length }, () => Math.floor(Math.random() * changes));
  return [0, ...between, ...last];
}

test(`killed ${2 * kills} times, the output is absent or complete, and what was left over goes with the next run`, async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const counted = join(folder.path, 'changes');
  const changesOf = async (...argv: [string, ...string[]]) => {
    expect(await quantize({ MOEQ_CHANGES: counted }, ...argv)).toBe(null);
    return Number(await readFile(counted, 'utf8'));
  };
  const fresh = await changesOf(out);
  const complete = await contents(out);
  expect(Object.keys(complete ?? {})).toContain('model.safetensors');
  const replacing = await changesOf(out, '--overwrite');
  expect(await contents(out)).toEqual(complete);

  for (const [round, at] of instants(fresh).entries()) {
    const target = join(folder.path, `fresh-${round}`);
    expect(await quantize({ MOEQ_KILL_AT: `${at}` }, target), `change ${at} of ${fresh}`).toBe('SIGKILL');
    const found = await contents(target);
    if (at === 0) expect(found).toBe(null);
    if (found !== null) expect(found, `change ${at} of ${fresh}`).toEqual(complete);
  }
  for (const at of instants(replacing)) {
    const end = await quantize({ MOEQ_KILL_AT: `${at}` }, out, '--overwrite');
    expect(end, `change ${at} of ${replacing}`).toBe('SIGKILL');
    const found = await contents(out);
    // between the two renames there is none; the next run puts one there
    if (found !== null) expect(found, `change ${at} of ${replacing}`).toEqual(complete);
  }

  await changesOf(out, '--overwrite');
  expect(await contents(out)).toEqual(complete);
  const leftOver = (await readdir(folder.path)).filter((name) => name.startsWith('out.'));
  expect(leftOver).toEqual([]);
}, 1_200_000);
