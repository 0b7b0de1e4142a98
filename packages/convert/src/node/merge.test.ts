import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { QuantizeReport } from '../report.js';
import { hashesOf, mixtralFolder } from '../testkit/checkpoint.js';
import { mergeParts } from './merge.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

/** A report without what depends on time and machine; sums of floats to ten digits, as parts add up in another order. */
const lasting = ({ recipe, form, bytes, coverage, byRole, errors, files }: QuantizeReport) => ({
  ...{ recipe, form, bytes, coverage },
  byRole: byRole.map((row) => ({ ...row, relativeError: row.relativeError.toPrecision(10) })),
  errors: Object.entries(errors.byRole).map(([role, error]) => [role, error.toPrecision(10)]),
  worst: errors.worst,
  files: files.map(({ path }) => path).sort(),
});

test.each([
  { fused: false, of: 1, recipe: 'nf4', maxShardBytes: undefined },
  { fused: false, of: 3, recipe: 'nf4', maxShardBytes: undefined },
  { fused: false, of: 3, recipe: 'nf4', maxShardBytes: 40_000 },
  { fused: false, of: 2, recipe: 'nf4-all', maxShardBytes: 15_000 },
  { fused: true, of: 4, recipe: 'mixed', maxShardBytes: 30_000 },
  { fused: true, of: 40, recipe: 'int4', maxShardBytes: undefined },
])(
  '$of parts, fused: $fused, $recipe, files of $maxShardBytes bytes: merged or resumed, the very files of one run',
  async ({ fused, of, recipe, maxShardBytes }) => {
    await using model = await mixtralFolder({ fused });
    const at = (name: string) => join(model.path, name);
    const whole = await quantizeCheckpoint({ model: model.path, out: at('whole'), recipe, maxShardBytes });
    const parts = Array.from({ length: of }, (_, i) => at(`part-${i}`));
    for (const [i, out] of parts.entries()) {
      await quantizeCheckpoint({ model: model.path, out, recipe, shard: { index: i + 1, of } });
    }
    const merged = await mergeParts({ parts: parts.toReversed(), out: at('merged'), maxShardBytes });
    expect(await hashesOf(at('merged'))).toEqual(await hashesOf(at('whole')));
    expect(lasting(merged)).toEqual(lasting(whole));
    const partBytes = whole.bytes.in / of;
    const resumed = { model: model.path, out: at('resumed'), recipe, maxShardBytes, partBytes };
    await quantizeCheckpoint({ ...resumed, resume: true });
    expect(await hashesOf(at('resumed'))).toEqual(await hashesOf(at('whole')));
  },
);

test('parts share the work evenly, and each tensor is in one', async () => {
  await using model = await mixtralFolder({ layers: 3 });
  const out = join(model.path, 'part');
  for (const of of [2, 5]) {
    const sizes: number[] = [];
    for (let index = 1; index <= of; index++) {
      const { bytes } = await quantizeCheckpoint({
        model: model.path,
        out,
        shard: { index, of },
        overwrite: true,
      });
      sizes.push(bytes.in);
    }
    const total = Object.values(model.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(total);
    // the largest tensor, an embedding of 16 kB, can be on either side
    for (const size of sizes) expect(Math.abs(size - total / of)).toBeLessThan(17_000);
  }
});

test('folders that are not the parts of one conversion are recognised', async () => {
  await using model = await mixtralFolder();
  await using other = await mixtralFolder();
  const at = (name: string) => join(model.path, name);
  const part = (source: string, out: string, index: number, of: number, recipe = 'nf4') =>
    quantizeCheckpoint({ model: source, out: at(out), recipe, shard: { index, of } });
  await part(model.path, 'one', 1, 2);
  await part(model.path, 'two', 2, 2);
  await part(model.path, 'again', 1, 2);
  await part(model.path, 'thirds', 2, 3);
  await part(model.path, 'int4', 2, 2, 'int4');
  await part(other.path, 'other', 2, 2);
  await quantizeCheckpoint({ model: model.path, out: at('whole') });
  const cases: readonly [parts: string[], message: string][] = [
    [[], 'the folders of all parts, found none'],
    [['one'], 'all 2 parts, found 1, without 2'],
    [['one', 'again'], `part 1 again, as in ${at('one')}`],
    [['one', 'thirds'], `a part of the same conversion as ${at('one')}`],
    [['one', 'int4'], 'a part of another one'],
    [['one', 'other'], 'a part of another one'],
    [['one', 'whole'], `${at('whole')}: cannot merge: expected a part of a conversion, found none`],
    [['one', 'nowhere'], at('nowhere')],
  ];
  for (const [names, message] of cases) {
    const merging = mergeParts({ parts: names.map(at), out: at('merged') });
    await expect(merging, names.join(' ')).rejects.toThrow(message);
    expect((await readdir(model.path)).filter((name) => name.startsWith('merged'))).toEqual([]);
  }
  await rm(join(at('two'), 'model.safetensors'));
  await expect(mergeParts({ parts: [at('one'), at('two')], out: at('merged') })).rejects.toThrow(
    'model.safetensors',
  );
});

test('a part file with anything else in it is one sentence', async () => {
  await using model = await mixtralFolder();
  const part = join(model.path, 'part');
  await quantizeCheckpoint({ model: model.path, out: part, shard: { index: 1, of: 1 } });
  const file = join(part, 'moeq-part.json');
  const good = await readFile(file, 'utf8');
  const merge = () => mergeParts({ parts: [part], out: join(model.path, 'merged') });
  const bad = [
    '',
    '[]',
    'null',
    '7',
    good.slice(0, -20),
    ...Object.entries({
      version: 1,
      fingerprint: 1,
      index: 0,
      of: 0,
      shards: ['../x.safetensors'],
      ledger: null,
    }).map(([key, value]) => JSON.stringify({ ...JSON.parse(good), [key]: value })),
  ];
  for (const text of bad) {
    await writeFile(file, text);
    await expect(merge(), text.slice(0, 80)).rejects.toThrow(`${part}: cannot read the part`);
  }
  const ledger = JSON.parse(good).ledger;
  const renamed = { ...ledger, tensors: [{ ...ledger.tensors[0], parts: [{ name: 'absent' }] }] };
  await writeFile(file, JSON.stringify({ ...JSON.parse(good), ledger: renamed }));
  await expect(merge()).rejects.toThrow('expected tensor "absent"');
  await writeFile(file, good);
  await merge();
});

test('a run that was stopped goes on behind the parts that are finished', async () => {
  await using model = await mixtralFolder({ layers: 3 });
  const at = (name: string) => join(model.path, name);
  await quantizeCheckpoint({ model: model.path, out: at('whole') });
  const bytesTotal = Object.values(model.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
  const run = async (stopAt: number, partBytes = bytesTotal / 6.5) => {
    const stop = new AbortController();
    const seen: string[] = [];
    const report = await quantizeCheckpoint({
      model: model.path,
      out: at('out'),
      resume: true,
      partBytes,
      signal: stop.signal,
      onProgress: ({ bytesDone, tensor }) => {
        seen.push(tensor);
        if (bytesDone > stopAt * bytesTotal) stop.abort(new Error('stopped'));
      },
    });
    return { report, seen };
  };
  await expect(run(0.5)).rejects.toThrow('stopped');
  expect((await readdir(at('out.parts'))).sort()).toEqual(['part-1-of-7', 'part-2-of-7', 'part-3-of-7']);
  const another = quantizeCheckpoint({ model: model.path, out: at('out'), resume: true, recipe: 'int8' });
  await expect(another).rejects.toThrow('parts of another model or recipe; remove the folder to begin anew');
  await expect(run(0.8)).rejects.toThrow('stopped');
  expect((await readdir(at('out.parts'))).length).toBeGreaterThan(3);
  // the parts that are there say how many there are, whatever their size was to be
  const { report, seen } = await run(2, bytesTotal);
  // most tensors were done before, and are reported part by part
  expect(seen.length).toBeLessThan(Object.keys(model.tensors).length / 2);
  expect(report.coverage.fraction).toBe(1);
  expect(await hashesOf(at('out'))).toEqual(await hashesOf(at('whole')));
  expect((await readdir(model.path)).filter((name) => name.startsWith('out'))).toEqual(['out']);
});

test('options of parts that cannot be are errors', async () => {
  const quantize = (options: object) => quantizeCheckpoint({ model: 'tiny-moe', out: 'x', ...options });
  for (const shard of [
    { index: 0, of: 2 },
    { index: 3, of: 2 },
    { index: 1.5, of: 2 },
    { index: 1, of: Number.NaN },
  ]) {
    await expect(quantize({ shard })).rejects.toThrow('an index from 1 to a number of parts');
  }
  await expect(quantize({ shard: { index: 1, of: 1 }, resume: true })).rejects.toThrow('shard or resume');
  await expect(quantize({ resume: true, partBytes: 0 })).rejects.toThrow('option partBytes');
});
