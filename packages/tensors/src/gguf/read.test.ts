import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTensor } from '../decode.js';
import { MoeqError } from '../errors.js';
import { isQuantized } from '../slice.js';
import { memorySource } from '../sources.js';
import { float32View } from '../views.js';
import { encodeGguf } from './encode.js';
import { encodeGgufHeader } from './encode-header.js';
import { openGguf } from './read.js';
import { ggufType, ggufTypes } from './types.js';
import type { GgufValue } from './value.js';

const open = (data: Uint8Array) => openGguf(memorySource('x.gguf', data));

/** Little-endian bytes of a file, piece by piece. */
const u8 = (value: number) => Uint8Array.of(value);
const u32 = (value: number) => new Uint8Array(Uint32Array.of(value).buffer);
const u64 = (value: bigint | number) =>
  new Uint8Array(BigUint64Array.of(BigInt.asUintN(64, BigInt(value))).buffer);
const text = (value: string, length?: bigint) => {
  const bytes = new TextEncoder().encode(value);
  return join(u64(length ?? bytes.length), bytes);
};
function join(...parts: Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  parts.reduce((at, part) => {
    out.set(part, at);
    return at + part.length;
  }, 0);
  return out;
}
const magic = new TextEncoder().encode('GGUF');

interface Parts {
  readonly version?: number;
  readonly tensors?: bigint | number;
  readonly keys?: bigint | number;
}
const head = ({ version = 3, tensors = 0, keys = 0 }: Parts = {}) =>
  join(magic, u32(version), u64(tensors), u64(keys));
/** A file of one key. */
const key = (...value: Uint8Array[]) => join(head({ keys: 1 }), text('k'), ...value);
const alignment = (value: number, type = 4) =>
  join(head({ keys: 1 }), text('general.alignment'), u32(type), type === 4 ? u32(value) : u64(value));

interface Info {
  readonly name?: string;
  readonly shape?: readonly (number | bigint)[];
  readonly rank?: number;
  readonly type?: number;
  readonly offset?: number | bigint;
}
const info = ({ name = 't', shape = [4], rank = shape.length, type = 0, offset = 0 }: Info = {}) =>
  join(text(name), u32(rank), ...shape.map(u64), u32(type), u64(offset));
/** A file of tensors and as many bytes of data. */
const file = (infos: readonly Info[], data: number) => {
  const header = join(head({ tensors: infos.length }), ...infos.map(info));
  return join(header, new Uint8Array((32 - (header.length % 32)) % 32), new Uint8Array(data));
};

describe('broken files get one sentence that names file, key or tensor', () => {
  const huge = 2n ** 63n;
  test.each<[name: string, data: Uint8Array, message: RegExp]>([
    ['empty', new Uint8Array(0), /begins with "GGUF", found an empty file/],
    ['cut magic', magic.subarray(0, 3), /begins with "GGUF", found "\\?"?GGU/],
    ['other bytes', new TextEncoder().encode('ggml file of old'), /found "\\?"?ggml/],
    ['an HTML page', new TextEncoder().encode('<!doctype html><html>'), /a GGUF file.*found an HTML/],
    ['a git-lfs pointer', new TextEncoder().encode('version https://git-lfs.github.com/spec/v1'), /git-lfs/],
    ['a safetensors file', join(u64(2), new TextEncoder().encode('{}')), /begins with "GGUF"/],
    ['cut after the magic', magic, /4 bytes of the version at 4, found the end of the file at 4/],
    ['version 0', head({ version: 0 }), /version 2 or 3, found 0/],
    ['version 1', head({ version: 1 }), /version 2 or 3, found 1/],
    ['version 4', head({ version: 4 }), /version 2 or 3, found 4/],
    ['big-endian', head({ version: 0x03000000 }), /a little-endian file, found a big-endian one/],
    ['2^63 tensors', head({ tensors: huge }), /at most 524288 tensors, found 9223372036854775808/],
    ['2^63 keys', head({ keys: huge }), /at most 65536 keys, found 9223372036854775808/],
    ['2^64 - 1 keys', head({ keys: 2n ** 64n - 1n }), /keys, found 18446744073709551615/],
    ['keys that are not there', head({ keys: 3 }), /bytes of a key at 24, found the end of the file at 24/],
    ['a key of 2^63 bytes', join(head({ keys: 1 }), text('k', huge)), /at most 65535 bytes of a key/],
    ['a key that is not UTF-8', join(head({ keys: 1 }), u64(1), u8(0xff)), /a key in UTF-8/],
    ['type 13 of a value', key(u32(13)), /key "k": .*type of value from 0 to 12, found 13/],
    ['type -1 of a value', key(u32(0xffffffff)), /from 0 to 12, found -1/],
    ['a string of 2^63 bytes', key(u32(8), text('', huge)), /key "k".*at most 16777216 bytes of a string/],
    [
      'a string longer than the file',
      key(u32(8), text('ab', 9n)),
      /9 bytes of a string at 45, found the end/,
    ],
    ['a string that is not UTF-8', key(u32(8), u64(2), u8(0xc3), u8(0x28)), /key "k".*a string in UTF-8/],
    ['true that is 2', key(u32(7), u8(2)), /true or false, 1 or 0, found 2/],
    [
      'an array of 2^63',
      key(u32(9), u32(4), u64(huge)),
      /at most 8388608 elements, found 9223372036854775808/,
    ],
    ['an array longer than the file', key(u32(9), u32(4), u64(1000)), /4000 bytes of 1000 elements at/],
    ['strings longer than the file', key(u32(9), u32(8), u64(1000)), /8000 bytes of 1000 elements at/],
    ['an array of type 13', key(u32(9), u32(13), u64(0)), /type of elements from 0 to 12, found 13/],
    ['an array of arrays', key(u32(9), u32(9), u64(1)), /elements that are no arrays/],
    ['a key twice', join(head({ keys: 2 }), text('k'), u32(0), u8(1), text('k')), /key "k".*each key once/],
    ['alignment 0', alignment(0), /key "general\.alignment".*a power of two up to 65536, u32, found u32 "0"/],
    ['alignment 3', alignment(3), /a power of two.*found u32 "3"/],
    ['alignment 2^31', alignment(2 ** 31), /a power of two.*found u32 "2147483648"/],
    ['alignment u64', alignment(32, 10), /u32, found u64/],
    ['tensors that are not there', head({ tensors: 2 }), /bytes of the name of a tensor at 24/],
    ['a name of 64 bytes', file([{ name: 'n'.repeat(64) }], 16), /at most 63 bytes of the name of a tensor/],
    ['5 dimensions', file([{ shape: [1, 1, 1, 1, 1] }], 4), /tensor "t".*at most 4 dimensions, found 5/],
    ['2^32 - 1 dimensions', file([{ rank: 2 ** 32 - 1 }], 4), /at most 4 dimensions, found 4294967295/],
    ['a dimension of -1', file([{ shape: [-1] }], 4), /tensor "t".*from 0 to below 2\^53, found -1/],
    ['a dimension of 2^62', file([{ shape: [2n ** 62n] }], 4), /from 0 to below 2\^53/],
    ['dimensions whose product is 2^80', file([{ shape: [2 ** 40, 2 ** 40] }], 4), /less than 2\^53 bytes/],
    ['type 4, which was removed', file([{ type: 4 }], 16), /tensor "t".*F32, F16.*found type 4/],
    ['type NVFP4', file([{ type: 40 }], 16), /found NVFP4/],
    ['type Q8_K', file([{ type: 15 }], 16), /found Q8_K/],
    ['type -1', file([{ type: 0xffffffff }], 16), /found type -1/],
    ['type 1000', file([{ type: 1000 }], 16), /found type 1000/],
    ['half a block', file([{ type: 2, shape: [48] }], 36), /whole blocks of 32 in Q4_0, found rows of 48/],
    ['a tensor twice', file([{}, { offset: 32 }], 64), /tensor "t".*each tensor once/],
    ['an overlap', file([{}, { name: 'u', offset: 0 }], 64), /tensor "u".*data at 32.*found 0, an overlap/],
    ['a hole', file([{}, { name: 'u', offset: 64 }], 96), /data at 32.*found 64, a hole/],
    ['an offset off the alignment', file([{ offset: 4 }], 64), /data at 0.*found 4/],
    ['an offset of 2^63', file([{ offset: huge }], 64), /found 9223372036854775808, a hole/],
    [
      'data beyond the file',
      file([{}], 15),
      /tensor "t".*a file of 80 bytes or more, found 79: the file is cut/,
    ],
    ['no data at all', file([{ shape: [2 ** 40] }], 0), /tensor "t".*cut short/],
  ])('%s', async (_, data, message) => {
    const error = await open(data).catch((cause: unknown) => cause);
    expect(MoeqError.isInstance(error)).toBe(true);
    expect((error as Error).message).toMatch(/^x\.gguf: /);
    expect((error as Error).message).toMatch(message);
  });

  test('law: no cut or changed byte of a file does worse than that', async () => {
    const whole = await readFile(fileURLToPath(new URL('../../testdata/gguf-py.gguf', import.meta.url)));
    await fc.assert(
      fc.asyncProperty(
        fc.nat(whole.length),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 3 }),
        async (length, changes) => {
          const data = new Uint8Array(whole);
          for (const [at, value] of changes) data[at] = value;
          const error = await open(data.subarray(0, length)).catch((cause: unknown) => cause);
          if (error instanceof Error) expect(MoeqError.isInstance(error)).toBe(true);
        },
      ),
      { numRuns: 500 },
    );
  });
});

describe('blocks of every quantized type', () => {
  const blocks = ggufTypes.filter(({ content }) => typeof content !== 'string');

  test.each(blocks)('$name: rows of no whole blocks, and data that ends early', async (type) => {
    const { id, name, blockLength, blockBytes } = type;
    const shape = [2 * blockLength, 3];
    const bytes = 6 * blockBytes;
    await expect(open(file([{ type: id, shape: [blockLength + 16, 3] }], bytes))).rejects.toThrow(
      `expected rows of whole blocks of ${blockLength} in ${name}, found rows of ${blockLength + 16} elements`,
    );
    const whole = file([{ type: id, shape }], bytes);
    expect((await open(whole)).tensors.get('t')).toMatchObject({ shape: [3, 2 * blockLength], bytes });
    await expect(open(whole.subarray(0, -1))).rejects.toThrow(
      new RegExp(`tensor "t".*a file of ${whole.length} bytes or more, found ${whole.length - 1}: the file`),
    );
  });

  test.each(blocks)('$name: law: any bytes are decoded to finite numbers or refused', async (type) => {
    const { id, blockLength, blockBytes } = type;
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 2 * blockBytes, maxLength: 2 * blockBytes }),
        async (data) => {
          const empty = file([{ type: id, shape: [blockLength, 2] }], 0);
          const opened = await open(join(empty, data));
          const tensor = await opened.read('t').catch((cause: unknown) => {
            expect(cause).toMatchObject({
              message: expect.stringMatching(/^x\.gguf: tensor "t": .*(finite|float32)/),
            });
            return null;
          });
          if (tensor === null) return;
          if (!isQuantized(tensor)) throw new Error('plain');
          expect(decodeTensor(tensor).every(Number.isFinite)).toBe(true);
        },
      ),
    );
  });
});

describe('a file of gguf-py', async () => {
  const data = await readFile(fileURLToPath(new URL('../../testdata/gguf-py.gguf', import.meta.url)));
  const opened = await open(new Uint8Array(data));

  test('every type of value', () => {
    const values = Object.fromEntries(opened.metadata);
    expect(opened.version).toBe(3);
    expect(values).toMatchObject({
      'general.architecture': { type: 'string', value: 'llama' },
      'test.u8': { type: 'u8', value: 200 },
      'test.i8': { type: 'i8', value: -100 },
      'test.u16': { type: 'u16', value: 60000 },
      'test.i16': { type: 'i16', value: -30000 },
      'test.u32': { type: 'u32', value: 4000000000 },
      'test.i32': { type: 'i32', value: -2000000000 },
      'test.f32': { type: 'f32', value: Math.fround(0.1) },
      'test.u64': { type: 'u64', value: 2n ** 63n + 1n },
      'test.i64': { type: 'i64', value: -(2n ** 62n) - 1n },
      'test.f64': { type: 'f64', value: 0.1 },
      'test.bool': { type: 'bool', value: true },
      'test.string': { type: 'string', value: 'grüße 你好 Ġ' },
      'test.strings': {
        of: 'string',
        value: ['a', 'Ġthe', '', 'long enough to pass the short path of the reader é'],
      },
      'test.ints': { of: 'i32', value: Int32Array.of(1, -2, 3) },
      'test.floats': { of: 'f32', value: Float32Array.of(0.5, -1.5) },
      'test.bools': { of: 'bool', value: [true, false] },
    });
  });

  test('tensors, whole and in part', async () => {
    const plain = await opened.read('plain');
    expect(plain).toMatchObject({ dtype: 'F32', shape: [2, 3] });
    if (isQuantized(plain)) throw new Error('quantized');
    expect(float32View(plain.data)).toEqual(Float32Array.of(0, 1, 2, 3, 4, 5));
    expect(opened.tensors.get('half')).toMatchObject({ shape: [2, 3], bytes: 12 });
    const whole = await opened.read('experts');
    const second = await opened.readPart('experts', 1);
    if (!isQuantized(whole) || !isQuantized(second)) throw new Error('plain');
    expect(second).toMatchObject({ format: 'q8_0', shape: [3, 64] });
    const values = decodeTensor(whole);
    expect(decodeTensor(second)).toEqual(values.subarray(192));
    values.forEach((value, i) => {
      expect(Math.abs(value - (i - 100) / 64)).toBeLessThan(0.02);
    });
    await expect(opened.read('other')).rejects.toThrow(/one of its 3 tensors, found "other"/);
    await expect(opened.readPart('experts', 2)).rejects.toThrow(/an index below 2/);
  });

  test('is written again byte for byte', () => {
    const tensors = [...opened.tensors.values()];
    const { data: header } = encodeGgufHeader('y.gguf', opened.metadata, tensors);
    expect(header).toEqual(new Uint8Array(data.subarray(0, header.length)));
    expect(header.length).toBe(tensors[0]?.offset);
  });
});

test('the example of the format: 98 bytes of header, data at 128', async () => {
  const header = encodeGgufHeader('x', new Map([['general.alignment', { type: 'u32', value: 32 }]]), [
    { name: 't', type: ggufType('Q8_0'), shape: [1, 32] },
  ]);
  const hex = Array.from(header.data.subarray(0, 98), (byte) => byte.toString(16).padStart(2, '0')).join('');
  expect(hex).toBe(
    '474755460300000001000000000000000100000000000000110000000000000067656e6572616c2e616c69676e6d656e740400000020000000010000000000000074020000002000000000000000010000000000000008000000' +
      '0000000000000000',
  );
  expect(header.tensors).toEqual([{ name: 't', offset: 128, bytes: 34 }]);
});

describe('what is rare and allowed', () => {
  test.each([1, 8, 64, 4096])('tensors at multiples of %i', async (value) => {
    const data = [Uint8Array.of(1, 2, 3, 4, 5), Uint8Array.of(6, 7, 8)];
    const bytes = encodeGguf(
      new Map([['general.alignment', { type: 'u32', value }]]),
      data.map((own, index) => ({ name: `t${index}`, type: ggufType('I8'), shape: [own.length], data: own })),
    );
    const opened = await open(bytes);
    expect(opened.alignment).toBe(value);
    for (const [index, own] of data.entries()) {
      const entry = opened.tensors.get(`t${index}`);
      expect((entry?.offset ?? 1) % value).toBe(0);
      expect(await opened.read(`t${index}`)).toEqual({ dtype: 'I8', shape: [own.length], data: own });
    }
  });

  test('a number without dimensions, and tensors of no elements', async () => {
    const scalar = await open(file([{ shape: [] }], 4));
    expect(await scalar.read('t')).toEqual({ dtype: 'F32', shape: [], data: new Uint8Array(4) });
    for (const shape of [[0], [0, 2], [256, 0], [256, 0, 2], [0, 3, 0]]) {
      for (const { id, name, content } of ggufTypes) {
        const tensor = await (await open(file([{ shape, type: id }], 0))).read('t');
        const whole = shape.toReversed();
        if (isQuantized(tensor))
          expect([name, tensor.shape, decodeTensor(tensor).length]).toEqual([name, whole, 0]);
        else {
          const dtype = typeof content === 'string' ? content : 'F32';
          expect(tensor).toEqual({ dtype, shape: whole, data: new Uint8Array(0) });
        }
      }
    }
  });
});

test('a vocabulary beyond the first read', async () => {
  const tokens = Array.from({ length: 150_000 }, (_, i) => (i % 3 === 0 ? `Ġtoken${i}` : `token${i}`));
  const metadata = new Map<string, GgufValue>([
    ['tokens', { type: 'array', of: 'string', value: tokens }],
    ['scores', { type: 'array', of: 'f32', value: Float32Array.from(tokens, (_, i) => -i) }],
  ]);
  const { data } = encodeGgufHeader('x', metadata, []);
  expect(data.length).toBeGreaterThan(2 ** 21);
  const reads: number[] = [];
  const source = memorySource('x', data);
  const opened = await openGguf({
    ...source,
    read: (offset, length) => {
      reads.push(length);
      return source.read(offset, length);
    },
  });
  expect(opened.metadata).toEqual(metadata);
  expect(reads).toEqual([2 ** 20, data.length]);
});

test('what a reader would refuse is not written', () => {
  const encode = (value: GgufValue, name = 't', shape = [32]) =>
    encodeGgufHeader('x', new Map([['k', value]]), [{ name, type: ggufType('Q8_0'), shape }]);
  const one: GgufValue = { type: 'u8', value: 1 };
  expect(() => encode({ type: 'u8', value: 256 })).toThrow(/expected u8, found 256/);
  expect(() => encode({ type: 'i32', value: 0.5 })).toThrow(/expected i32, found 0\.5/);
  expect(() => encode({ type: 'string', value: '\ud800' })).toThrow(/lone surrogates/);
  expect(() => encode(one, 'n'.repeat(64))).toThrow(/at most 63 bytes/);
  expect(() => encode(one, 't', [48])).toThrow(/whole blocks of 32/);
  expect(() => encode(one, 't', [1, 1, 1, 1, 32])).toThrow(/at most 4 whole dimensions/);
});

test('law: what is written is read back', async () => {
  const types = ['F32', 'Q8_0', 'IQ4_NL', 'I64'].map(ggufType);
  const anyTensor = fc.record({
    type: fc.constantFrom(...types),
    rows: fc.nat(3),
    blocks: fc.nat(2),
    seed: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(fc.string({ maxLength: 15 }), anyTensor, { maxKeys: 5 }),
      async (planned) => {
        const tensors = Object.entries(planned).map(([name, { type, rows, blocks, seed }]) => {
          const shape = [rows, blocks * type.blockLength];
          const bytes = rows * blocks * type.blockBytes;
          // bytes below 0x78 are finite scales
          return {
            name,
            type,
            shape,
            data: Uint8Array.from({ length: bytes }, (_, i) => (i * 7 + seed) % 0x78),
          };
        });
        const source = memorySource('x', encodeGguf(new Map(), tensors));
        const opened = await openGguf(source);
        expect([...opened.tensors.keys()]).toEqual(tensors.map(({ name }) => name));
        for (const { name, data } of tensors) {
          const { offset, bytes } = opened.tensors.get(name) ?? { offset: 0, bytes: -1 };
          expect(offset % 32).toBe(0);
          expect(await source.read(offset, bytes)).toEqual(data);
        }
      },
    ),
  );
  expect(() =>
    encodeGguf(new Map(), [{ name: 't', type: ggufType('F32'), shape: [2], data: new Uint8Array(4) }]),
  ).toThrow(/tensor "t".*expected 8 bytes, found 4/);
});
