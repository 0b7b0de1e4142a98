// Models in several GGUF files: the model of the whole file, by any part, from anywhere; and parts that do not fit.
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type GgufValue, MoeqError, memorySource } from '@moeq/tensors';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { fileServer } from '../../../tensors/src/testkit/file-server.js';
import { openCheckpoint } from '../checkpoint/open-checkpoint.js';
import { hubFiles } from '../files/hub.js';
import { resolveModel } from '../node/resolve-model.js';
import { filesAt } from '../open-model.js';
import { smallGguf, text, u32 } from '../testkit/gguf.js';
import { splitGguf } from '../testkit/split-gguf.js';
import { ggufFiles } from './files.js';
import { firstParts, partName } from './part-names.js';

type Files = Readonly<Record<string, Uint8Array>>;

const whole = smallGguf();
const parts = await splitGguf(whole);
const [one, two, three] = Object.keys(parts) as [string, string, string];

const openFrom = (files: Files, name: string) =>
  ggufFiles(name, async (file) => {
    const data = files[file];
    return data === undefined ? null : memorySource(file, data);
  });

/** Names, facts and bytes of all tensors, and the configuration. */
async function contentOf(files: Awaited<ReturnType<typeof openFrom>>) {
  const { config, tensors, close } = await openCheckpoint(files);
  const read = tensors.map(async (tensor) => ({ ...tensor.facts, data: await tensor.read() }));
  const content = { config, tensors: await Promise.all(read) };
  await close();
  return content;
}

const expected = await contentOf(await openFrom({ 'x.gguf': whole }, 'x.gguf'));

describe('is the model of the whole file', () => {
  test('by any of its parts', async () => {
    expect([one, two, three]).toEqual([
      'x-00001-of-00003.gguf',
      'x-00002-of-00003.gguf',
      'x-00003-of-00003.gguf',
    ]);
    for (const name of [one, two, three]) {
      const files = await openFrom(parts, name);
      expect(files.name).toBe(one);
      expect(await contentOf(files)).toEqual(expected);
    }
  });

  test('with a first part of metadata alone, and with the embedding in the last', async () => {
    const bare = await splitGguf(whole, { partOf: (tensor) => 1 + (tensor % 2) });
    expect(await contentOf(await openFrom(bare, one))).toMatchObject({ config: expected.config });
    const turned = await splitGguf(whole, { partOf: (tensor) => 2 - (tensor % 3) });
    const { tensors, config } = await contentOf(await openFrom(turned, one));
    expect(config).toEqual(expected.config);
    expect(tensors).toHaveLength(expected.tensors.length);
  });

  test('in one file that has the name of a part, whether it says so or not', async () => {
    const name = 'x-00001-of-00001.gguf';
    expect(await contentOf(await openFrom({ [name]: whole }, name))).toEqual(expected);
    expect(await contentOf(await openFrom(await splitGguf(whole, { parts: 1 }), name))).toEqual(expected);
  });

  describe('from a folder, a server, the hub', () => {
    let folder: string;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'moeq-split-'));
      for (const [name, data] of Object.entries(parts)) await writeFile(join(folder, name), data);
    });
    afterAll(() => rm(folder, { recursive: true }));

    test('a path, and the folder', async () => {
      expect(await contentOf(await resolveModel(join(folder, two)))).toEqual(expected);
      expect(await contentOf(await resolveModel(folder))).toEqual(expected);
      await writeFile(join(folder, 'other.gguf'), whole);
      await expect(resolveModel(folder)).rejects.toThrow(
        `${folder}: cannot open the model: expected one model in the folder, or the path of one of its files, found "other.gguf", "${one}"`,
      );
      await rm(join(folder, 'other.gguf'));
      await rm(join(folder, three));
      await expect(resolveModel(folder)).rejects.toThrow(
        `${one}: cannot open the model: expected its other parts beside it, "${three}" among them, found no such file`,
      );
    });

    test('a URL, whose query goes along, and a reference of the hub', async () => {
      const at = (path: string) =>
        Object.entries(parts).map(([name, bytes]) => [`${path}/${name}`, { bytes }]);
      await using server = await fileServer(
        Object.fromEntries([...at('/a'), ...at('/org/name/resolve/v1/Q4')]),
      );
      expect(await contentOf(await filesAt(`${server.url}/a/${three}?key=1`))).toEqual(expected);
      const hub = await hubFiles(`org/name/Q4/${one}@v1`, { endpoint: server.url });
      expect(await contentOf(hub)).toEqual(expected);
      server.files.delete(`/a/${two}`);
      await expect(filesAt(`${server.url}/a/${one}`)).rejects.toThrow(
        `${one}: cannot open the model: expected its other parts beside it, "${two}" among them, found no such file`,
      );
      await expect(filesAt(`${server.url}/a/${two}`)).rejects.toThrow(
        /x-00002-of-00003\.gguf: .*expected a file, found none \(status 404\)$/,
      );
    });
  });
});

describe('parts that do not fit are one sentence that names the file', async () => {
  const u16 = (value: number) => ({ type: 'u16', value }) as const;
  const only = (index: number, metadata: Readonly<Record<string, GgufValue>>) => ({
    metadata: (part: number) => (part === index ? metadata : {}),
  });
  const other = await splitGguf(
    smallGguf({ tensors: { 'blk.0.attn_norm.weight': undefined, 'blk.0.ffn_norm.weight': undefined } }),
  );
  const named = await splitGguf(whole, { metadata: () => ({ 'general.name': text('A') }) });
  const alike = await splitGguf(whole, { metadata: () => ({ 'general.name': text('B') }) });
  const reversed = await splitGguf(whole, { partOf: (tensor) => 2 - (tensor % 3) });

  test.each<[what: string, files: Files, open: string, sentence: string | RegExp]>([
    ['a part is missing', { [one]: parts[one] as Uint8Array, [three]: parts[three] as Uint8Array }, one, two],
    [
      'parts are mixed up',
      { ...parts, [two]: parts[three] as Uint8Array, [three]: parts[two] as Uint8Array },
      one,
      `${two}: cannot open the model: expected split.no 1, as its name says (it counts from 0), found 2`,
    ],
    [
      'another count than in the name',
      await splitGguf(whole, only(1, { 'split.count': u16(4) })),
      one,
      `${two}: cannot open the model: expected split.count 3, as its name says, found 4`,
    ],
    [
      'a count that is text',
      await splitGguf(whole, only(1, { 'split.count': text('3') })),
      one,
      `${two}: cannot open the model: expected split.count as a whole number from 0, found string "3"`,
    ],
    [
      'a whole model in place of a part',
      { ...parts, [two]: whole },
      one,
      `${two}: cannot open the model: expected split.count 3, as its name says, found no such key`,
    ],
    [
      'a part of another model, by its number of tensors',
      { ...parts, [three]: other[three] as Uint8Array },
      one,
      `${three}: cannot open the model: expected split.tensors.count 13, as in "${one}", found 11`,
    ],
    [
      'a part of another model, by its name',
      { ...named, [two]: alike[two] as Uint8Array },
      one,
      `${two}: cannot open the model: expected a part of the model of "${one}", general.name "A", found "B"`,
    ],
    [
      'a part that is split in another way',
      { ...parts, [two]: reversed[two] as Uint8Array },
      one,
      /^x-0000[23]-of-00003\.gguf: cannot open the model: expected tensors that no other part has, found "[^"]+", which "x-0000[12]-of-00003\.gguf" has$/,
    ],
    [
      'tensors that no part has',
      await splitGguf(whole, { metadata: () => ({ 'split.tensors.count': u32(14) }) }),
      three,
      `${one}: cannot open the model: expected 14 tensors in its 3 parts, as split.tensors.count says, found 13`,
    ],
    [
      'a part under another name',
      { 'y.gguf': parts[two] as Uint8Array },
      'y.gguf',
      'y.gguf: cannot open the model: expected a name that ends with -00002-of-00003.gguf, by which its other parts are found, found another name of part 2 of 3',
    ],
    [
      'a part that is cut',
      { ...parts, [three]: (parts[three] as Uint8Array).subarray(0, 1000) },
      one,
      /^x-00003-of-00003\.gguf: tensor "[^"]+": cannot read as GGUF: .*the file is cut short$/,
    ],
    [
      'a part that is no GGUF file',
      { ...parts, [two]: new TextEncoder().encode('<!doctype html>') },
      one,
      /^x-00002-of-00003\.gguf: cannot read as GGUF: .*found an HTML/,
    ],
    [
      'a tensor of an unknown name',
      await splitGguf(smallGguf({ tensors: { 'blk.0.sinks': ['F32', [4]] } })),
      one,
      /^x-00003-of-00003\.gguf: cannot match the tensors to the configuration: .*"blk\.0\.sinks"$/,
    ],
  ])('%s', async (_, files, name, sentence) => {
    const error = await openFrom(files, name)
      .then(openCheckpoint)
      .catch((cause: unknown) => cause);
    expect(MoeqError.isInstance(error)).toBe(true);
    const { message } = error as Error;
    if (typeof sentence === 'string') expect(message).toContain(sentence);
    else expect(message).toMatch(sentence);
  });

  test('law: no cut or changed byte of a header does worse than that', async () => {
    const names = [one, two, three];
    await fc.assert(
      fc.asyncProperty(
        fc.nat(2),
        fc.option(fc.nat(1000)),
        fc.array(fc.tuple(fc.nat(1000), fc.nat(255)), { maxLength: 3 }),
        async (index, length, changes) => {
          const data = new Uint8Array(parts[names[index] ?? one] as Uint8Array);
          for (const [at, value] of changes) data[at] = value;
          const changed = { ...parts, [names[index] ?? one]: data.subarray(0, length ?? data.length) };
          const opened = await openFrom(changed, two)
            .then(openCheckpoint)
            .catch((cause: unknown) => cause);
          if (opened instanceof Error) expect(MoeqError.isInstance(opened)).toBe(true);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('and every source that was opened is closed', async () => {
    for (const files of [parts, { [one]: parts[one] as Uint8Array }, { ...parts, [two]: whole }]) {
      let [opened, closed] = [0, 0];
      const open = async (name: string) => {
        const data = (files as Files)[name];
        if (data === undefined) return null;
        opened += 1;
        const close = async () => {
          closed += 1;
        };
        return { ...memorySource(name, data), close };
      };
      const checkpoint = await ggufFiles(one, open)
        .then(openCheckpoint)
        .catch(() => null);
      await checkpoint?.close();
      expect(opened).toBeGreaterThanOrEqual(1);
      expect(closed).toBe(opened);
    }
  });
});

test('names of parts', () => {
  expect(partName('a-00002-of-00002.gguf')).toEqual({
    index: 1,
    count: 2,
    names: ['a-00001-of-00002.gguf', 'a-00002-of-00002.gguf'],
  });
  expect(partName('-00001-of-00001.GGUF')?.names).toEqual(['-00001-of-00001.GGUF']);
  for (const name of [
    'a.gguf',
    'a-1-of-2.gguf',
    'a-00000-of-00002.gguf',
    'a-00003-of-00002.gguf',
    'a-00001-of-99999.gguf',
    'a-00001-of-00002.gguf.gguf',
    'a-00001-of-00000.gguf',
  ]) {
    expect(partName(name)).toBeNull();
  }
  expect(
    firstParts(['b-00002-of-00002.gguf', 'a.gguf', 'b-00001-of-00002.gguf', 'c-00002-of-00003.gguf']),
  ).toEqual(['a.gguf', 'b-00001-of-00002.gguf', 'c-00001-of-00003.gguf']);
});
