import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parseModelReference } from '../files/model-reference.js';
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

  test('refuses links out of it, links to nothing or in a circle, and folders', async () => {
    const outside = text('out.json');
    await expect(outside).rejects.toMatchObject({ code: 'linkOutside' });
    await expect(outside).rejects.toThrow(
      /a file inside the folder, or permission to follow links out of it \(allowLinks\), found a link to ".*secret\.json"/,
    );
    await expect(text('broken.json')).rejects.toThrow(
      /broken\.json: cannot open the file: expected a file, found a link to "nowhere", where there is nothing$/,
    );
    await expect(text('loop.json')).rejects.toThrow(
      /expected a file, found a link to "loop\.json" that leads in a circle$/,
    );
    await expect(text('deep')).rejects.toThrow(/a regular file, found a folder/);
  });
});

describe('links allowed', () => {
  const files = () => folder(model, { allowLinks: true });

  test('files outside are opened, and listed by the names of their links', async () => {
    const source = await files().open('out.json');
    expect(source?.size).toBe('secret'.length);
    await source?.close?.();
    expect(await files().list()).toContain('out.json');
  });

  test('names still cannot leave the folder; links to nothing and in a circle are still refused', async () => {
    await expect(files().open('../secret.json')).rejects.toThrow('a relative name inside the folder');
    await expect(files().open('broken.json')).rejects.toThrow('where there is nothing');
    await expect(files().open('loop.json')).rejects.toThrow('in a circle');
    expect(await files().open('other.json')).toBeNull();
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

    const link = join(root, 'link-to-snapshot');
    const relative = join(root, 'link-to-link');
    await symlink(snapshot, link);
    await symlink('link-to-snapshot', relative);
    for (const path of [link, relative, `${link}/`]) {
      const linked = await (await resolveModel(path)).open('config.json');
      expect(linked?.size).toBe(4);
      await linked?.close?.();
      await expect((await resolveModel(path)).open('out.json')).rejects.toThrow(/a link to/);
      const followed = await (await resolveModel(path, { allowLinks: true })).open('out.json');
      await followed?.close?.();
      expect(followed?.size).toBe('secret'.length);
    }
  });

  test('a link to nothing, and one in a circle', async () => {
    await symlink('not-there', join(root, 'to-nothing'));
    await symlink('circle-b', join(root, 'circle-a'));
    await symlink('circle-a', join(root, 'circle-b'));
    await expect(resolveModel(join(root, 'to-nothing'))).rejects.toThrow(
      /to-nothing: cannot open the model: expected a folder with a checkpoint, found a link to "not-there", where there is nothing$/,
    );
    await expect(resolveModel(join(root, 'circle-a'))).rejects.toThrow(
      /found a link to "circle-b" that leads in a circle$/,
    );
  });
});
