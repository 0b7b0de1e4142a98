import { cp, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { hashesOf, mixtralFolder } from '../testkit/checkpoint.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

const sorted = <File extends { path: string }>(files: readonly File[]): File[] =>
  files.toSorted((a, b) => (a.path < b.path ? -1 : 1));

test.each([
  { recipe: 'nf4', maxShardBytes: undefined },
  { recipe: 'mixed', maxShardBytes: 30_000 },
])('$recipe: what is finished stays, with the report of the first run and a note', async (options) => {
  await using model = await mixtralFolder();
  const out = join(model.path, 'out');
  const run = () =>
    quantizeCheckpoint({ model: model.path, out, resume: true, partBytes: 50_000, ...options });
  const first = await run();
  const hashes = await hashesOf(out);
  // A process that is killed between the last rename and its exit leaves parts, whole or some of them.
  await mkdir(`${out}.parts/part-1-of-3`, { recursive: true });
  await writeFile(`${out}.parts/part-1-of-3/model.safetensors`, '');
  const again = await run();
  expect(again.notes).toEqual([
    ...first.notes,
    `done already: ${out} holds every byte of this conversion, so nothing was written`,
  ]);
  expect(sorted(again.files)).toEqual(sorted(first.files));
  expect([again.bytes, again.coverage, again.errors.worst]).toEqual([
    first.bytes,
    first.coverage,
    first.errors.worst,
  ]);
  expect(await hashesOf(out)).toEqual(hashes);
  expect((await readdir(model.path)).filter((name) => name.startsWith('out'))).toEqual(['out']);
});

test('an output of anything else is refused, and stays', async () => {
  await using model = await mixtralFolder();
  await using other = await mixtralFolder();
  const out = join(model.path, 'out');
  const run = (options: object = {}) =>
    quantizeCheckpoint({ model: model.path, out, resume: true, ...options });
  const refused = async (what: RegExp, options: object = {}) => {
    const hashes = await hashesOf(out);
    const error = await run(options).then(
      () => 'no error',
      (reason: Error) => reason.message,
    );
    expect(error).toMatch(/a folder that is empty or absent, or the finished result of this very conversion/);
    expect(error).toMatch(what);
    expect(await hashesOf(out)).toEqual(hashes);
  };
  await run();
  await refused(/other values/, { model: other.path });
  await refused(/where (there is a tensor|tensor .* is not as it would be)/, { recipe: 'int8' });
  const config = await readFile(join(out, 'config.json'));
  await writeFile(join(out, 'config.json'), '{}');
  await refused(/config\.json has another content/);
  await writeFile(join(out, 'config.json'), config);
  await rm(join(out, 'generation_config.json'));
  await refused(/there is no generation_config\.json/);
  await rm(out, { recursive: true });
  await mkdir(out);
  await writeFile(join(out, 'thesis.tex'), '');
  await refused(/one with 1 file, where tensor/);
});

test('an input in the folder of the parts, which is removed at the end, is refused', async () => {
  await using model = await mixtralFolder();
  const out = join(model.path, 'out');
  const inside = `${out}.parts/model`;
  await mkdir(inside, { recursive: true });
  for (const name of ['config.json', 'generation_config.json', 'model.safetensors'])
    await cp(join(model.path, name), join(inside, name));
  const hashes = await hashesOf(inside);
  const quantizing = quantizeCheckpoint({ model: inside, out, resume: true });
  await expect(quantizing).rejects.toThrow(/out\.parts: cannot resume: expected a place that is not/);
  expect(await hashesOf(inside)).toEqual(hashes);
  expect(await readdir(model.path)).not.toContain('out');
  await rename(inside, join(model.path, 'moved'));
  await quantizeCheckpoint({ model: join(model.path, 'moved'), out, resume: true });
});
