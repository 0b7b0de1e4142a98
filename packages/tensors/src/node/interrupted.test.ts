// What is left of a checkpoint when the system refuses one operation, whichever, or kills the process before it.
import { spawnSync } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { MoeqError } from '../errors.js';
import { interceptFiles } from '../testkit/intercept-files.js';
import { readSmallCheckpoint, writeSmallCheckpoint } from '../testkit/small-checkpoint.js';
import { writeFileAtomic } from './atomic-file.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-interrupted-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

/** Operations that an undisturbed run of `action` makes. */
async function operationsOf(action: () => Promise<void>): Promise<number> {
  let operations = 0;
  const restore = interceptFiles(() => operations++);
  await action().finally(restore);
  return operations;
}

/** What `action` throws when its n-th operation on files fails; null when that did not matter. */
async function failing(index: number, action: () => Promise<void>): Promise<unknown> {
  const code = ['ENOSPC', 'EACCES', 'EIO'][index % 3];
  const restore = interceptFiles((operation, at) => {
    if (at === index) throw Object.assign(new Error(`${code}: ${operation}`), { code });
  });
  return action()
    .then(
      () => null,
      (error: unknown) => error,
    )
    .finally(restore);
}

describe('an error of the system at each operation', () => {
  test('a new checkpoint: a MoeqError and nothing behind, or all of it', async () => {
    const out = join(folder, 'deep', 'out');
    const operations = await operationsOf(() => writeSmallCheckpoint(out, 1));
    await rm(join(folder, 'deep'), { recursive: true });
    let failures = 0;
    for (let index = 0; index < operations; index++) {
      const error = await failing(index, () => writeSmallCheckpoint(out, 1));
      const left = await readdir(folder);
      if (error !== null) expect(MoeqError.isInstance(error), String(error)).toBe(true);
      if (left.length === 0) failures++;
      else {
        // a failure behind the rename, or one that does not matter
        expect(await readSmallCheckpoint(out)).toBe(1);
        expect(await readdir(join(folder, 'deep'))).toEqual(['out']);
        await rm(join(folder, 'deep'), { recursive: true });
      }
    }
    expect(operations).toBeGreaterThan(30);
    expect(failures).toBeGreaterThan(operations * 0.7);
  });

  test('an overwritten checkpoint: the old one or the new one', async () => {
    const out = join(folder, 'out');
    await writeSmallCheckpoint(out, 1);
    const operations = await operationsOf(() => writeSmallCheckpoint(out, 2, true));
    for (let index = 0; index < operations; index++) {
      await writeSmallCheckpoint(out, 1, true);
      const error = await failing(index, () => writeSmallCheckpoint(out, 2, true));
      const content = await readSmallCheckpoint(out);
      if (error === null) expect(content).toBe(2);
      else expect(MoeqError.isInstance(error), String(error)).toBe(true);
      const others = (await readdir(folder)).filter((name) => name !== 'out');
      // the old one may stay beside the new one, under a name that says so, when it cannot be removed
      expect(others.filter((name) => content === 1 || !name.startsWith('out.replaced-'))).toEqual([]);
      for (const name of others) await rm(join(folder, name), { recursive: true });
    }
  });

  test('one file: the old one or the new one', async () => {
    const path = join(folder, 'x.json');
    const operations = await operationsOf(() => writeFileAtomic(path, 'old'));
    for (let index = 0; index < operations; index++) {
      await writeFile(path, 'old');
      const error = await failing(index, () => writeFileAtomic(path, 'new'));
      expect(error === null || MoeqError.isInstance(error)).toBe(true);
      expect(['old', 'new']).toContain(await readFile(path, 'utf8'));
      expect(await readdir(folder)).toEqual(['x.json']);
    }
  });
});

test('what the system says becomes a sentence', async () => {
  const out = join(folder, 'out');
  const full = await failing(21, () => writeSmallCheckpoint(out, 1));
  expect(String(full)).toMatch(/out.*: cannot .*: expected room on the disk, found a full disk \(ENOSPC\)$/);
});

describe('kill -9 before each change', () => {
  const child = fileURLToPath(new URL('../testkit/killed-writer.ts', import.meta.url));
  // sources import each other by the names they have when built
  const hook = `import { registerHooks } from 'node:module';
    registerHooks({ resolve: (name, context, next) =>
      next(name.startsWith('.') ? name.replace(/\\.js$/, '.ts') : name, context) });`;
  const run = (out: string, content: number, overwrite: boolean, last: number) =>
    spawnSync(
      process.execPath,
      [
        '--import',
        `data:text/javascript,${encodeURIComponent(hook)}`,
        child,
        out,
        `${content}`,
        `${overwrite}`,
        `${last}`,
      ],
      { encoding: 'utf8' },
    );

  test('a new checkpoint is absent or complete, and the next run clears what is left', async () => {
    const out = join(folder, 'out');
    let killed = 0;
    for (let last = 0; ; last++) {
      const { signal, stderr } = run(out, 1, false, last);
      if (signal === null) {
        expect(stderr).toBe('');
        break;
      }
      expect(signal).toBe('SIGKILL');
      killed++;
      if ((await readdir(folder)).includes('out')) {
        expect(await readSmallCheckpoint(out)).toBe(1);
        await rm(out, { recursive: true });
      }
    }
    expect(killed).toBeGreaterThan(15);
    expect(await readSmallCheckpoint(out)).toBe(1);
    expect(await readdir(folder)).toEqual(['out']);
  });

  test('an overwritten checkpoint is the old, the new, or absent until the next run puts it back', async () => {
    const out = join(folder, 'out');
    await writeSmallCheckpoint(out, 1);
    let absent = 0;
    for (let last = 0; ; last++) {
      const { signal, stderr } = run(out, 2, true, last);
      if (signal === null) {
        expect(stderr).toBe('');
        break;
      }
      if (!(await readdir(folder)).includes('out')) {
        absent++;
        await expect(writeSmallCheckpoint(out, 3)).rejects.toThrow(/empty or absent/);
      }
      if ((await readSmallCheckpoint(out)) === 2) await writeSmallCheckpoint(out, 1, true);
    }
    expect(absent).toBe(1);
    await writeSmallCheckpoint(out, 1, true);
    expect(await readdir(folder)).toEqual(['out']);
  });
});
