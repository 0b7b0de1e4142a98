// kill -9 of the built command at random instants: the output folder is absent, or complete to the last byte.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { temporaryFolder } from './testkit/folder.js';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));
const kills = 30;

/** Runs a quantize and kills it after so many milliseconds. @returns whether it was killed, and how long it ran */
async function quantize(
  out: string,
  killAfter: number,
  ...more: string[]
): Promise<{ killed: boolean; ran: number }> {
  const started = performance.now();
  const child = spawn(process.execPath, [bin, 'quantize', '--out', out, ...more], { stdio: 'ignore' });
  const timer = setTimeout(() => child.kill('SIGKILL'), killAfter);
  const signal = await new Promise((resolve) => child.on('exit', (_, name) => resolve(name)));
  clearTimeout(timer);
  return { killed: signal === 'SIGKILL', ran: performance.now() - started };
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

test(`killed ${kills} times, the output is absent or complete, and what was left over goes with the next run`, async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const { ran } = await quantize(out, 60_000);
  const complete = await contents(out);
  expect(Object.keys(complete ?? {})).toContain('model.safetensors');

  let killed = 0;
  let absent = 0;
  for (let round = 0; killed < kills && round < 4 * kills; round++) {
    // Rounds to an absent folder and rounds that replace a complete one take turns.
    const fresh = join(folder.path, `fresh-${round}`);
    const target = round % 2 === 0 ? fresh : out;
    const end = await quantize(target, Math.random() * ran, ...(target === out ? ['--overwrite'] : []));
    const found = await contents(target);
    if (end.killed) killed++;
    if (found === null) absent++;
    else expect(found, `round ${round}`).toEqual(complete);
    expect(found !== null || end.killed, `round ${round}`).toBe(true);
  }
  expect(killed).toBe(kills);
  expect(absent).toBeGreaterThan(0);

  expect((await quantize(out, 60_000, '--overwrite')).killed).toBe(false);
  expect(await contents(out)).toEqual(complete);
  const leftOver = (await readdir(folder.path)).filter((name) => name.startsWith('out.'));
  expect(leftOver).toEqual([]);
}, 300_000);
