import { mkdtemp, readdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createOutputFolder } from './output-folder.js';

test('a file that has the name of the folder, or of one above it, is named for what it is', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'moeq-output-'));
  const file = join(folder, 'file');
  await writeFile(file, 'kept');
  await expect(createOutputFolder(file, 1, true)).rejects.toThrow(
    /file: cannot write: expected a folder, found a file$/,
  );
  const beyond = join(file, 'x');
  await expect(createOutputFolder(beyond, 1, true)).rejects.toThrow(
    `${beyond}: cannot write: expected a folder, found a file in its path`,
  );
  expect(await readdir(folder)).toEqual(['file']);
});
