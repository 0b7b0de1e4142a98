import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MoeqError } from '../errors.js';
import { encodeSafetensors } from '../safetensors-encode.js';
import { fileSource, openSafetensorsFile } from './file-source.js';

let folder: string;
let path: string;
const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-source-'));
  path = join(folder, 'bytes');
  await writeFile(path, bytes);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('fileSource', () => {
  test('reads ranges, many at a time, each aligned and of its own', async () => {
    const source = await fileSource(path);
    expect([source.name, source.size]).toEqual([path, 1000]);
    const reads = await Promise.all(Array.from({ length: 100 }, (_, i) => source.read(i * 7, i)));
    reads.forEach((read, i) => {
      expect(read).toEqual(bytes.subarray(i * 7, i * 8));
      expect(read.byteOffset % 8).toBe(0);
      expect(read.buffer.byteLength).toBe(i);
    });
    await source.close();
  });

  test('a range that is not in the file, an abort, a closed and a shortened file', async () => {
    const source = await fileSource(path);
    await expect(source.read(990, 11)).rejects.toThrow(`${path}: cannot read 11 bytes at 990`);
    await expect(source.read(0, 10, AbortSignal.abort())).rejects.toThrow(/abort/);
    await truncate(path, 500);
    await expect(source.read(400, 200)).rejects.toThrow(
      'expected the 1000 bytes that it had when it was opened, found its end at 500',
    );
    await writeFile(path, bytes);
    await source.close();
    const closed = await source.read(0, 10).catch((error: unknown) => error);
    expect(MoeqError.isInstance(closed)).toBe(true);
    expect(String(closed)).toMatch(/expected an open file, found a closed one/);
  });

  test('more memory than there can be is a MoeqError', async () => {
    const sparse = join(folder, 'sparse');
    await writeFile(sparse, '');
    await truncate(sparse, 2 ** 43);
    const source = await fileSource(sparse);
    const error = await source.read(0, 2 ** 43).catch((caught: unknown) => caught);
    expect(MoeqError.isInstance(error)).toBe(true);
    await source.close();
  });

  test.each([
    ['missing', /expected a file or folder that exists, found none/],
    ['', /expected a file, found a folder or device/],
    ['bytes/x', /expected a folder, found a file in its path/],
  ])('%j cannot be opened', async (name, message) => {
    await expect(fileSource(join(folder, name))).rejects.toThrow(message);
    await expect(fileSource(join(folder, name))).rejects.toSatisfy(MoeqError.isInstance);
  });
});

describe('openSafetensorsFile', () => {
  test('reads tensors from the file', async () => {
    const file = join(folder, 'x.safetensors');
    await writeFile(
      file,
      encodeSafetensors({ a: { dtype: 'U8', shape: [3], data: Uint8Array.of(1, 2, 3) } }),
    );
    const opened = await openSafetensorsFile(file);
    expect((await opened.read('a')).data).toEqual(Uint8Array.of(1, 2, 3));
    await opened.close();
    await expect(opened.read('a')).rejects.toThrow(/closed/);
  });

  test('a file that is none is named and closed', async () => {
    await expect(openSafetensorsFile(path)).rejects.toThrow(`${path}: cannot read as safetensors`);
  });
});
