// What the disk may refuse, as the command meets it: no room, no permission, or another process at the same output. One
// sentence, status 1, and whatever was there before is still there.
import { spawn } from 'node:child_process';
import { chmod, mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { interceptFiles } from '../../../packages/tensors/src/testkit/intercept-files.js';
import { moeq } from './testkit/capture.js';
import { temporaryFolder } from './testkit/folder.js';
import { smallModel } from './testkit/malformed.js';

const bin = fileURLToPath(new URL('../dist/bin.js', import.meta.url));

/** Every file and its bytes, as text to compare; null where there is no folder. */
async function contents(path: string): Promise<Record<string, string> | null> {
  const names = await readdir(path).catch(() => null);
  if (names === null) return null;
  const read = async (name: string) => [name, (await readFile(join(path, name))).toString('base64')] as const;
  return Object.fromEntries(await Promise.all(names.sort().map(read)));
}

const quantize = (out: string, ...more: string[]) => moeq(['quantize', smallModel, '--out', out, ...more]);

/** Runs it with the n-th of its operations refused; `only` says which operations count. */
async function refused(
  code: string,
  index: number,
  run: () => ReturnType<typeof moeq>,
  only?: readonly string[],
) {
  const operations: string[] = [];
  const restore = interceptFiles((operation) => {
    if (only !== undefined && !only.includes(operation)) return;
    if (operations.push(operation) - 1 === index) {
      throw Object.assign(new Error(`${code}: ${operation}`), { code });
    }
  });
  const outcome = await run().finally(restore);
  return { ...outcome, operations };
}

/** Numbers of operations to refuse: the first, the last ten, and some between. The writer's own tests take every one. */
function someOf(operations: number): number[] {
  const last = Array.from({ length: 10 }, (_, i) => operations - 1 - i);
  const between = Array.from({ length: 6 }, () => Math.floor(Math.random() * operations));
  return [...new Set([0, ...between, ...last])];
}

/** Operations that no output is right without. */
const needed = ['mkdir', 'open', 'read', 'write', 'writeFile', 'sync', 'rename'];

test('a full disk at a write: a sentence that says so, and nothing behind', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const writes = ['write', 'writeFile'];
  const { status, operations } = await refused('', -1, () => quantize(join(folder.path, 'whole')), writes);
  expect(status).toBe(0);
  for (const index of someOf(operations.length)) {
    const { status, stdout, stderr } = await refused('ENOSPC', index, () => quantize(out), writes);
    expect({ status, stdout }, `write ${index}`).toEqual({ status: 1, stdout: '' });
    expect(stderr).toMatch(
      /^moeq: \S+: cannot \w+: expected room on the disk, found a full disk \(ENOSPC\)\n$/,
    );
    expect(await readdir(folder.path)).toEqual(['whole']);
  }
});

test('an operation refused while a checkpoint is replaced: the old one or the new one, whole', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'out');
  const replace = (recipe: string) => quantize(out, '--overwrite', '--recipe', recipe);
  await replace('int8');
  const after = await contents(out);
  const { operations } = await refused('', -1, () => replace('nf4'));
  const before = await contents(out);
  const committed = operations.lastIndexOf('rename');
  for (const index of someOf(operations.length)) {
    const code = ['EIO', 'EACCES', 'EDQUOT'][index % 3] ?? '';
    const { status, stdout, stderr, operations: made } = await refused(code, index, () => replace('int8'));
    const found = await contents(out);
    expect([before, after], `operation ${index}`).toContainEqual(found);
    // What happens after the last rename, which puts the new one there, no longer matters.
    if (index < committed && needed.includes(made[index] ?? '')) expect(status, `operation ${index}`).toBe(1);
    if (status === 0) {
      expect(found).toEqual(after);
    } else {
      expect(stdout).toBe('');
      expect(stderr).toMatch(/^moeq: \S.*: cannot [^\n]+: expected [^\n]+, found [^\n]+\n$/);
      expect(stderr).not.toContain('a fault of moeq itself');
    }
    if (found?.['config.json'] !== before?.['config.json']) await replace('nf4');
  }
});

test('a folder without permission is named', async () => {
  await using folder = await temporaryFolder();
  const closed = join(folder.path, 'closed');
  await mkdir(closed);
  const out = join(closed, 'out');
  const isRoot = process.getuid?.() === 0;
  // nothing is closed to root
  const run = () => quantize(out);
  await chmod(closed, 0o555);
  const { status, stdout, stderr } = isRoot ? await refused('EACCES', 0, run, ['mkdir']) : await run();
  await chmod(closed, 0o755);
  expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
  expect(stderr).toMatch(
    /^moeq: \S+closed\/out: cannot write: expected permission, found none \(EACCES\)\n$/,
  );
  expect(await readdir(closed)).toEqual([]);
});

test('two processes at one output: one writes it, the other says that it is taken', async () => {
  await using folder = await temporaryFolder();
  const run = (out: string, ...more: string[]) =>
    new Promise<{ status: number | null; stderr: string }>((resolve) => {
      const child = spawn(process.execPath, [bin, 'quantize', '--out', out, ...more], {
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      let stderr = '';
      child.stderr.on('data', (data: Buffer) => {
        stderr += data.toString();
      });
      child.on('close', (status) => resolve({ status, stderr }));
    });
  const alone = join(folder.path, 'alone');
  expect(await run(alone)).toMatchObject({ status: 0 });
  const whole = await contents(alone);
  for (const round of [0, 1]) {
    const out = join(folder.path, `out-${round}`);
    const ends = await Promise.all([run(out), run(out)]);
    const [first, second] = ends.toSorted((a, b) => Number(a.status) - Number(b.status));
    expect([first?.status, second?.status]).toEqual([0, 1]);
    expect(second?.stderr).toMatch(/^moeq: \S+out-\d: cannot [^:\n]+: expected .*\n$/);
    expect(await contents(out)).toEqual(whole);
  }
  // both may replace, one after the other; what stays is whole
  const out = join(folder.path, 'out-0');
  const ends = await Promise.all([run(out, '--overwrite'), run(out, '--overwrite')]);
  expect(ends.some(({ status }) => status === 0)).toBe(true);
  for (const { status, stderr } of ends) if (status !== 0) expect(stderr).toMatch(/^moeq: \S.*\n$/);
  expect(await contents(out)).toEqual(whole);
  expect((await readdir(folder.path)).sort()).toEqual(['alone', 'out-0', 'out-1']);
});
