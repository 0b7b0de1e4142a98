import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseModelReference } from '../model-reference.js';
import { folder } from './folder.js';
import { resolveModel } from './resolve-model.js';

let root: string;
let model: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'moeq-folder-'));
  model = join(root, 'model');
  await mkdir(join(model, 'deep'), { recursive: true });
  await writeFile(join(root, 'secret.json'), 'secret');
  await writeFile(join(model, 'config.json'), '{}');
  await writeFile(join(model, 'deep', 'file.json'), 'deep');
  await symlink(join(root, 'secret.json'), join(model, 'out.json'));
  await symlink('config.json', join(model, 'in.json'));
  await symlink('nowhere', join(model, 'broken.json'));
  await symlink('loop.json', join(model, 'loop.json'));
});
afterAll(() => rm(root, { recursive: true }));

const text = async (name: string) => {
  const source = await folder(model).open(name);
  if (source === null) return null;
  const bytes = await source.read(0, source.size);
  await source.close?.();
  return new TextDecoder().decode(bytes);
};

describe('a folder', () => {
  test('opens its files, those in folders, and those that links inside lead to', async () => {
    expect(await text('config.json')).toBe('{}');
    expect(await text('deep/file.json')).toBe('deep');
    expect(await text('in.json')).toBe('{}');
  });

  test('answers null for what is not there', async () => {
    expect(await text('other.json')).toBeNull();
    expect(await text('config.json/more')).toBeNull();
    expect(await text('broken.json')).toBeNull();
  });

  test('lists its files', async () => {
    expect(await folder(model).list()).toEqual(expect.arrayContaining(['config.json', 'in.json']));
    await expect(folder(join(root, 'none')).list()).rejects.toThrow(/cannot list the folder: .*found ENOENT/);
  });

  test.each([
    '',
    '.',
    '..',
    '../secret.json',
    'deep/../../secret.json',
    './config.json',
    '/etc/hostname',
    'C:\\x',
    'C:/x',
    'deep\\file.json',
    '\\\\server\\share',
    'https://example.org/x',
    'file:///etc/hostname',
    'deep//file.json',
    'deep/',
    'a\0b',
  ])('refuses %j', async (name) => {
    await expect(text(name)).rejects.toThrow(/: expected [^\n]+, found [^\n]+$/);
  });

  test('refuses links out of it, loops of links and folders', async () => {
    await expect(text('out.json')).rejects.toThrow(
      /a file inside the folder, found a link to ".*secret\.json"/,
    );
    await expect(text('loop.json')).rejects.toThrow(/found ELOOP/);
    await expect(text('deep')).rejects.toThrow(/a regular file, found a folder/);
  });
});

describe('a reference', () => {
  test('says what kind it is', () => {
    expect(parseModelReference('tiny-moe')).toEqual({ kind: 'embedded' });
    expect(parseModelReference('./tiny-moe')).toEqual({ kind: 'folder', path: './tiny-moe' });
    expect(parseModelReference('hf:org/name')).toEqual({ kind: 'hub', repository: 'org/name' });
    expect(parseModelReference('https://example.org/model')).toMatchObject({ kind: 'url' });
    expect(parseModelReference('a/b.GGUF')).toEqual({ kind: 'gguf', path: 'a/b.GGUF' });
    expect(() => parseModelReference('')).toThrow(/expected .*, found/);
  });

  test('opens a folder and the embedded model', async () => {
    expect(await (await resolveModel(model)).list()).toContain('config.json');
    expect(await (await resolveModel('tiny-moe')).list()).toContain('model.safetensors');
  });

  test('to nothing, or to a file', async () => {
    await expect(resolveModel(join(root, 'none'))).rejects.toThrow(
      /a folder with a checkpoint, found no such folder/,
    );
    await expect(resolveModel(join(root, 'secret.json'))).rejects.toThrow(/found a file/);
    await expect(resolveModel('org/name')).rejects.toThrow(/no such folder \(on the hub .* hf:org\/name\)$/);
  });

  test('a snapshot of the Hugging Face cache, whose files are links to its blobs', async () => {
    const snapshot = join(root, 'models--org--name', 'snapshots', 'abc');
    const blobs = join(root, 'models--org--name', 'blobs');
    await mkdir(snapshot, { recursive: true });
    await mkdir(blobs);
    await writeFile(join(blobs, '123'), 'blob');
    await symlink('../../blobs/123', join(snapshot, 'config.json'));
    await symlink(join(root, 'secret.json'), join(snapshot, 'out.json'));
    const files = await resolveModel(snapshot);
    const source = await files.open('config.json');
    expect(source?.size).toBe(4);
    await source?.close?.();
    await expect(files.open('out.json')).rejects.toThrow(/a link to/);
  });
});
