import { createHash } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { byteLength, type DType, dtypes } from '../dtype.js';
import { parseSafetensorsIndex } from '../safetensors-index.js';
import { createCheckpointWriter } from './checkpoint-writer.js';
import { openSafetensorsFile } from './file-source.js';
import type { PlannedTensor } from './shard-plan.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'moeq-writer-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const bytes = (length: number, seed = 1) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) % 251);
const plan: PlannedTensor[] = [
  { name: 'a', dtype: 'U8', shape: [3] },
  { name: 'b', dtype: 'F32', shape: [2, 2] },
  { name: 'state', maxBytes: 100 },
];

async function writeAll(out: string, options: { overwrite?: boolean } = {}) {
  const writer = await createCheckpointWriter({ out, tensors: plan, ...options });
  await writer.write('state', bytes(7));
  await writer.write('b', bytes(6));
  await writer.write('b', bytes(10, 2));
  await writer.write('a', bytes(3));
  await writer.writeFile('config.json', '{}');
  return writer.commit();
}

describe('one file', () => {
  test('tensors in pieces and in any order are what a reader finds, aligned to their size', async () => {
    const out = join(folder, 'new', 'checkpoint');
    const files = await writeAll(out);
    expect(await readdir(out)).toEqual(['config.json', 'model.safetensors']);
    for (const file of files) {
      const data = await readFile(join(out, file.path));
      expect(file.bytes).toBe(data.length);
      expect(file.sha256).toBe(createHash('sha256').update(data).digest('hex'));
    }
    const file = await openSafetensorsFile(join(out, 'model.safetensors'));
    expect([...file.tensors.keys()]).toEqual(['b', 'a', 'state']);
    expect(file.metadata).toEqual({ format: 'pt' });
    for (const { offset, dtype } of file.tensors.values()) expect(offset % byteLength(dtype, [])).toBe(0);
    expect(await file.read('b')).toEqual({
      dtype: 'F32',
      shape: [2, 2],
      data: Uint8Array.from([...bytes(6), ...bytes(10, 2)]),
    });
    expect(await file.read('state')).toEqual({ dtype: 'U8', shape: [7], data: bytes(7) });
    await file.close();
    expect(await readdir(join(folder, 'new'))).toEqual(['checkpoint']);
  });

  test('a plan without tensors is a valid empty file', async () => {
    const out = join(folder, 'out');
    await (await createCheckpointWriter({ out, tensors: [] })).commit();
    const file = await openSafetensorsFile(join(out, 'model.safetensors'));
    expect(file.tensors.size).toBe(0);
    await file.close();
  });
});

describe('shards', () => {
  test('are cut at maxShardBytes, keep groups together, and are indexed as transformers does', async () => {
    const out = join(folder, 'out');
    const tensors: PlannedTensor[] = [
      { name: 'x', dtype: 'F16', shape: [30] },
      { name: 'y.weight', dtype: 'U8', shape: [50], group: 'y' },
      { name: 'y.scale', dtype: 'F32', shape: [2], group: 'y' },
      { name: 'huge', dtype: 'U8', shape: [500] },
      { name: 'z', dtype: 'U8', shape: [0] },
    ];
    const writer = await createCheckpointWriter({ out, tensors, maxShardBytes: 100 });
    expect(writer.shards).toEqual([1, 2, 3, 4].map((i) => `model-0000${i}-of-00004.safetensors`));
    for (const tensor of tensors) {
      if ('dtype' in tensor) await writer.write(tensor.name, bytes(byteLength(tensor.dtype, tensor.shape)));
    }
    const files = await writer.commit();
    expect(files.map(({ path }) => path)).toEqual([...writer.shards, 'model.safetensors.index.json']);
    const text = await readFile(join(out, 'model.safetensors.index.json'), 'utf8');
    expect(text.endsWith('\n')).toBe(true);
    expect(JSON.parse(text).metadata).toEqual({ total_size: 60 + 58 + 500 });
    const index = parseSafetensorsIndex(text, 'index');
    expect([...index]).toEqual([
      ['huge', writer.shards[2]],
      ['x', writer.shards[0]],
      ['y.scale', writer.shards[1]],
      ['y.weight', writer.shards[1]],
      ['z', writer.shards[3]],
    ]);
    for (const [name, shard] of index) {
      const file = await openSafetensorsFile(join(out, shard));
      expect(file.tensors.has(name)).toBe(true);
      await file.close();
    }
  });

  test('law: whatever is planned and written, pieces and order included, is read back', async () => {
    const tensor = fc.oneof(
      fc.record({
        dtype: fc.constantFrom(...(dtypes as DType[])),
        shape: fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 3 }),
        group: fc.constantFrom(undefined, 'g', 'h'),
      }),
      fc.record({ maxBytes: fc.integer({ min: 0, max: 60 }) }),
    );
    const cases = fc.record({
      tensors: fc.dictionary(fc.string(), tensor, { maxKeys: 8 }),
      maxShardBytes: fc.integer({ min: 1, max: 300 }),
      seed: fc.integer({ min: 0, max: 1000 }),
    });
    let run = 0;
    await fc.assert(
      fc.asyncProperty(cases, async ({ tensors, maxShardBytes, seed }) => {
        const out = join(folder, `${run++}`);
        const planned = Object.entries(tensors).map(([name, facts]) => {
          const { group, ...rest } = { group: undefined, ...facts };
          return { name, ...rest, ...(group === undefined ? {} : { group }) } as PlannedTensor;
        });
        const writer = await createCheckpointWriter({ out, tensors: planned, maxShardBytes });
        const written = new Map<string, Uint8Array>();
        await Promise.all(
          planned.toReversed().map(async (facts, i) => {
            const openSize = 'maxBytes' in facts;
            const size = openSize ? (facts.maxBytes * (seed % 7)) >> 3 : byteLength(facts.dtype, facts.shape);
            const data = bytes(size, i + seed);
            written.set(facts.name, data);
            const cut = openSize ? 0 : seed % (size + 1);
            if (cut > 0) await writer.write(facts.name, data.subarray(0, cut));
            await writer.write(facts.name, data.subarray(cut));
          }),
        );
        await writer.commit();
        let found = 0;
        for (const shard of writer.shards) {
          const file = await openSafetensorsFile(join(out, shard));
          for (const name of file.tensors.keys()) {
            expect((await file.read(name)).data).toEqual(written.get(name));
            found++;
          }
          await file.close();
        }
        expect(found).toBe(planned.length);
      }),
      { numRuns: 60 },
    );
  });
});

describe('refused', () => {
  test('a target with files in it, unless overwrite; then the old one is gone and nothing else is', async () => {
    const out = join(folder, 'out');
    await writeAll(out);
    await writeFile(join(out, 'old.txt'), 'old');
    await expect(writeAll(out)).rejects.toThrow(/empty or absent, found one with 3 files/);
    await writeAll(out, { overwrite: true });
    expect(await readdir(out)).toEqual(['config.json', 'model.safetensors']);
    expect(await readdir(folder)).toEqual(['out']);
  });

  test('files in a folder within, which goes with an output that is replaced or given up', async () => {
    const out = join(folder, 'out');
    const write = async () => {
      const writer = await createCheckpointWriter({ out, tensors: [], overwrite: true });
      await writer.writeFile('within/a.txt', 'a');
      await writer.writeFile('within/b.txt', 'b');
      return writer;
    };
    const written = await (await write()).commit();
    expect(written.map(({ path }) => path)).toEqual(['model.safetensors', 'within/a.txt', 'within/b.txt']);
    expect(await readFile(join(out, 'within', 'b.txt'), 'utf8')).toBe('b');
    const again = await write();
    await expect(again.writeFile('within/a.txt', '')).rejects.toThrow(/free file name/);
    expect(await readdir(folder)).toEqual(['out']);
    await writeAll(out, { overwrite: true });
    expect(await readdir(out)).toEqual(['config.json', 'model.safetensors']);
  });

  test('a target that holds no checkpoint, even with overwrite', async () => {
    const out = join(folder, 'precious');
    await mkdir(out);
    await writeFile(join(out, 'thesis.tex'), '');
    await expect(writeAll(out, { overwrite: true })).rejects.toThrow(/one with \.safetensors files/);
    expect(await readdir(out)).toEqual(['thesis.tex']);
  });

  test('an empty folder, or a link to one, is filled', async () => {
    await mkdir(join(folder, 'real'));
    await symlink(join(folder, 'real'), join(folder, 'link'));
    await writeAll(join(folder, 'link'));
    expect(await readdir(join(folder, 'real'))).toHaveLength(2);
  });

  test.each([
    ['a tensor that is not planned', 'c', 1, /planned tensor/],
    ['too many bytes', 'a', 4, /3 bytes in all, found 4 more after 0/],
    ['too many bytes of open size', 'state', 101, /at most 100 bytes/],
  ])('%s; and nothing is left', async (_, name, size, message) => {
    const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors: plan });
    await expect(writer.write(name, bytes(size))).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual([]);
    await expect(writer.write('a', bytes(3))).rejects.toThrow(/aborted/);
  });

  test('a tensor of open size that comes twice', async () => {
    const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors: plan });
    await writer.write('state', bytes(1));
    await expect(writer.write('state', bytes(1))).rejects.toThrow(/one piece/);
  });

  test('the same after its file is finished', async () => {
    const tensors: PlannedTensor[] = [{ name: 'state', maxBytes: 10 }];
    const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors });
    await writer.write('state', bytes(1));
    await expect(writer.write('state', bytes(1))).rejects.toThrow(/one piece/);
  });

  test('an incomplete tensor, by name', async () => {
    const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors: plan });
    await writer.write('b', bytes(15));
    await expect(writer.commit()).rejects.toThrow(/all 3 tensors, found 3 missing: .*"b".*"a".*"state"/);
    expect(await readdir(folder)).toEqual([]);
  });

  const names = [
    '../x',
    '/x',
    'a/../x',
    'a/..',
    './x',
    'a//b',
    'a/',
    'a/b/c',
    '..',
    '',
    'model.safetensors',
    'a\\b',
  ];
  test.each(names)('file name %j', async (name) => {
    const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors: plan });
    await expect(writer.writeFile(name, '')).rejects.toThrow(/free file name/);
  });

  test.each([
    [[plan[0], plan[0]], /each tensor once, found .*a.* twice/],
    [[{ name: '__metadata__', dtype: 'U8', shape: [1] }], /reserve/],
    [[{ name: 'x', dtype: 'U8', shape: [-1] }], /whole dimensions/],
    [[{ name: 'x', dtype: 'U8', shape: [2 ** 40, 2 ** 40] }], /whole dimensions/],
    [[{ name: '\ud800', dtype: 'U8', shape: [1] }], /surrogates/],
  ])('plan %j', async (tensors, message) => {
    const options = { out: join(folder, 'out'), tensors: tensors as PlannedTensor[] };
    await expect(createCheckpointWriter(options)).rejects.toThrow(message);
    expect(await readdir(folder)).toEqual([]);
  });

  test('unknown and impossible options', async () => {
    const options = { out: join(folder, 'out'), tensors: plan };
    await expect(createCheckpointWriter({ ...options, maxShardSize: 5 } as typeof options)).rejects.toThrow(
      /option "maxShardSize": .* nearest to maxShardBytes$/,
    );
    for (const maxShardBytes of [0, -1, 1.5, Number.NaN]) {
      await expect(createCheckpointWriter({ ...options, maxShardBytes })).rejects.toThrow(
        /option maxShardBytes: .* an integer of at least 1, found/,
      );
    }
  });

  test('a checkpoint larger than the disk, at once', async () => {
    const tensors: PlannedTensor[] = [{ name: 'x', dtype: 'U8', shape: [2 ** 52] }];
    await expect(createCheckpointWriter({ out: join(folder, 'a', 'b'), tensors })).rejects.toThrow(
      /room on the disk/,
    );
    expect(await readdir(folder)).toEqual([]);
  });
});

test('await using removes what was not committed', async () => {
  {
    await using writer = await createCheckpointWriter({ out: join(folder, 'a', 'b', 'out'), tensors: plan });
    await writer.write('a', bytes(3));
    expect(await readdir(join(folder, 'a', 'b'))).toHaveLength(1);
  }
  expect(await readdir(folder)).toEqual([]);
});

test('what a dead process left at the target is removed, what a living one writes is not', async () => {
  const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors: plan });
  const [mine = ''] = await readdir(folder);
  // no system gives out process ids that large
  const dead = mine.replace(`-${process.pid}-`, '-999999999-');
  await mkdir(join(folder, dead));
  const other = dead.replace('out.', 'other.');
  await mkdir(join(folder, other));
  await writeAll(join(folder, 'out'));
  expect((await readdir(folder)).sort()).toEqual([mine, other, 'out'].sort());
  await expect(writer.commit()).rejects.toThrow(/missing/);
});

test('a target that was moved aside by a process that died is put back', async () => {
  await writeAll(join(folder, 'out'));
  const writer = await createCheckpointWriter({ out: join(folder, 'out'), tensors: plan, overwrite: true });
  const name = (await readdir(folder)).find((entry) => entry.includes('partial')) ?? '';
  await writer.abort();
  const aside = name.replace('partial', 'replaced').replace(`-${process.pid}-`, '-999999999-');
  await rename(join(folder, 'out'), join(folder, aside));
  await expect(writeAll(join(folder, 'out'))).rejects.toThrow(/empty or absent/);
  expect(await readdir(folder)).toEqual(['out']);
});
