import { createHash } from 'node:crypto';
import { mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { sha256OfFile } from './durable.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-durable-'));
});
afterAll(() => rm(folder, { recursive: true }));

test.each([0, 1, 2 ** 20, 3 * 2 ** 20 + 7])('hashes a file of %i bytes', async (bytes) => {
  const data = crypto.getRandomValues(new Uint8Array(65536)).toString().repeat(40).slice(0, bytes);
  await writeFile(join(folder, 'small'), data);
  expect(await sha256OfFile(join(folder, 'small'))).toBe(createHash('sha256').update(data).digest('hex'));
});

test('hashes a large file, on a thread', async () => {
  const path = join(folder, 'large');
  const file = await open(path, 'w');
  await file.truncate(70_000_001);
  await file.write('moeq', 69_999_997);
  await file.close();
  const expected = createHash('sha256').update(new Uint8Array(69_999_997)).update('moeq').digest('hex');
  expect(await sha256OfFile(path)).toBe(expected);
});

test('throws what the system says of a file that cannot be read', async () => {
  await expect(sha256OfFile(join(folder, 'absent'))).rejects.toThrow('ENOENT');
});
