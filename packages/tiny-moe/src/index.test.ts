import { readdir } from 'node:fs/promises';
import { expect, test } from 'vitest';
import { modelFiles, modelUrl } from './index.js';

test('every file of the checkpoint has a URL, and every URL a file', async () => {
  const entries = await readdir(modelUrl, { withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  expect(files.sort()).toEqual(Object.keys(modelFiles).sort());
  for (const [name, url] of Object.entries(modelFiles)) {
    expect(url.href).toBe(new URL(name, modelUrl).href);
  }
});
