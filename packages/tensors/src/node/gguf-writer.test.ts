import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openGguf } from '../gguf/read.js';
import { ggufType } from '../gguf/types.js';
import type { GgufValue } from '../gguf/value.js';
import { fileSource } from './file-source.js';
import { createGgufWriter, type GgufWriterOptions } from './gguf-writer.js';

let folder: string;
let out: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-gguf-'));
  out = join(folder, 'x.gguf');
});
afterEach(() => rm(folder, { recursive: true }));

const metadata = new Map<string, GgufValue>([['general.architecture', { type: 'string', value: 'llama' }]]);
const tensors = [
  { name: 'a', type: ggufType('F32'), shape: [3] },
  { name: 'b', type: ggufType('Q8_0'), shape: [2, 32] },
];
const a = new Uint8Array(Float32Array.of(1, 2, 3).buffer);
const b = Uint8Array.from({ length: 68 }, (_, i) => i % 32);
const create = (more: Partial<GgufWriterOptions> = {}) =>
  createGgufWriter({ out, metadata, tensors, ...more });

test('tensors in any order and in pieces; the file appears when it is whole', async () => {
  await using writer = await create();
  await writer.write('b', b.subarray(0, 10));
  await writer.write('a', a);
  await writer.write('b', b.subarray(10));
  expect(await readdir(folder)).not.toContain('x.gguf');
  const written = await writer.commit();
  expect(await readdir(folder)).toEqual(['x.gguf']);
  expect(written).toMatchObject({ path: 'x.gguf', bytes: (await readFile(out)).length });

  const file = await openGguf(await fileSource(out));
  expect(await file.read('a')).toEqual({ dtype: 'F32', shape: [3], data: a });
  expect((await file.read('b')).shape).toEqual([2, 32]);
  expect(file.metadata).toEqual(metadata);
  await file.close();
});

test('a failure or an end without commit leaves nothing', async () => {
  {
    await using writer = await create();
    await writer.write('a', a);
  }
  const more = await create();
  await expect(more.write('a', new Uint8Array(13))).rejects.toThrow(
    /12 bytes of tensor "a", found 13 more after 0/,
  );
  await expect(more.write('a', a)).rejects.toThrow(/one that has been aborted/);
  const unplanned = await create();
  await expect(unplanned.write('c', a)).rejects.toThrow(/a planned tensor, found "c"/);
  const missing = await create();
  await missing.write('a', a);
  await expect(missing.commit()).rejects.toThrow(/all 2 tensors, found 1 not complete: "b"/);
  expect(await readdir(folder)).toEqual([]);
});

test('a file in the way is replaced only when that is wanted, and only at the end', async () => {
  await writeFile(out, 'old');
  await expect(create()).rejects.toThrow(/a name that is free, found a file/);
  const writer = await create({ overwrite: true });
  await writer.write('a', a);
  expect(await readFile(out, 'utf8')).toBe('old');
  await writer.write('b', b);
  await writer.commit();
  expect((await readFile(out)).subarray(0, 4).toString()).toBe('GGUF');
  await expect(create({ out: folder })).rejects.toThrow(/found a folder/);
  await expect(create({ out: join(folder, 'none', 'x.gguf') })).rejects.toThrow(/x\.gguf: cannot write/);
  await expect(create({ sort: true } as never)).rejects.toThrow(/option "sort": .* found an unknown option$/);
});
