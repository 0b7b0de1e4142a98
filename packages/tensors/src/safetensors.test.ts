import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ByteSource } from './byte-source.js';
import { byteLength, type DType, dtypes } from './dtype.js';
import { MoeqError } from './errors.js';
import { openSafetensors } from './safetensors.js';
import { encodeSafetensors } from './safetensors-encode.js';
import { maxHeaderBytes, maxTensors } from './safetensors-header.js';
import { memorySource } from './sources.js';

const utf8 = (text: string) => new TextEncoder().encode(text);

/** A file of a header as it stands and `dataBytes` of zeros. */
function file(header: string | Uint8Array, dataBytes = 0, length?: bigint): Uint8Array {
  const text = typeof header === 'string' ? utf8(header) : header;
  const bytes = new Uint8Array(8 + text.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const open = (bytes: Uint8Array) => openSafetensors(memorySource('x.safetensors', bytes));

/** A header with one U8 tensor whose facts are replaced. */
const one = (facts: string) => `{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]${facts}}}`;
const tensor = (
  begin: number | string,
  end: number | string,
  dtype = '"U8"',
  shape = `[${Number(end) - Number(begin)}]`,
) => `{"dtype":${dtype},"shape":${shape},"data_offsets":[${begin},${end}]}`;

describe('broken files get one sentence that names file and tensor', () => {
  const deep = (open: string) => open.repeat(100_000);
  test.each<[name: string, bytes: Uint8Array, message: RegExp]>([
    ['empty', new Uint8Array(0), /at least 8 bytes, found 0/],
    ['7 bytes', new Uint8Array(7), /at least 8 bytes, found 7/],
    ['header length 0', file('', 0, 0n), /header of 2 bytes or more, found 0/],
    ['header length 1', file('{', 0, 1n), /header of 2 bytes or more, found 1/],
    ['header length beyond the file', file('{}', 0, 3n), /header of 3 bytes, found a file of 10 bytes/],
    ['header over 100 MB', file('{}', 0, 100_000_001n), /at most 100000000 bytes, found 100000001/],
    ['header length 2^63', file('{}', 0, 2n ** 63n), /found 9223372036854775808/],
    ['header length 2^64 - 1', file('{}', 0, 2n ** 64n - 1n), /found 18446744073709551615/],
    ['not UTF-8', file(Uint8Array.of(0x7b, 0x22, 0xff, 0x22, 0x7d)), /expected UTF-8/],
    ['a byte order mark', file('\ufeff{}'), /begin with "\{"/],
    ['not JSON', file('hello'), /begin with "\{"/],
    ['leading blanks', file(' {}'), /begin with "\{", found "\\" \{\}\\""|begin with "\{"/],
    ['cut JSON', file('{"t":{"dtype":"U8","sha'), /a key of a tensor .* that ends/],
    ['cut before a value', file('{"t":'), /found the end of the text/],
    ['an array', file('[]'), /begin with "\{"/],
    ['a string', file('"{}"'), /begin with "\{"/],
    ['something behind', file('{}x'), /nothing after the JSON text, found .*x/],
    ['a trailing comma', file('{"t":1,}'), /tensor "t"/],
    ['a comment', file('{/**/}'), /a key of the header/],
    ['single quotes', file("{'t':1}"), /a key of the header/],
    ['a control character in a name', file('{"a\nb":1}'), /a key of the header that ends/],
    ['a bad escape in a name', file('{"\\x":1}'), /valid escapes/],
    ['a lone surrogate as a name', file('{"\\ud800":1}'), /surrogates/],
    ['objects 100,000 deep', file(`${deep('{"a":')}1${deep('}')}`), /tensor "a"/],
    ['arrays 100,000 deep', file(`{"a":${deep('[')}${deep(']')}}`), /tensor "a"/],
    ['a shape 100,000 deep', file(one(`,"shape":${deep('[')}${deep(']')}`)), /tensor "t"/],
    [
      'duplicate tensors',
      file(`{"t":${tensor(0, 1)},"t":${tensor(1, 2)}}`, 2),
      /each key of the header once, found "t" twice/,
    ],
    ['duplicates by escape', file(`{"t":${tensor(0, 1)},"\\u0074":${tensor(1, 2)}}`, 2), /found "t" twice/],
    ['duplicate keys of a tensor', file(one(',"dtype":"I8"'), 2), /tensor "t".*once, found "dtype" twice/],
    ['duplicate metadata', file('{"__metadata__":{},"__metadata__":{}}'), /twice/],
    ['duplicate keys of metadata', file('{"__metadata__":{"a":"1","a":"2"}}'), /__metadata__.*"a" twice/],
    [
      'metadata that is a number',
      file('{"__metadata__":{"a":1}}'),
      /__metadata__.*a string under "a", found "1\}\}"/,
    ],
    ['metadata that is null', file('{"__metadata__":null}'), /__metadata__.*the metadata/],
    ['metadata that is nested', file('{"__metadata__":{"a":{"b":"c"}}}'), /a string under "a"/],
    ['a tensor that is a number', file('{"t":1}'), /tensor "t".*\{"dtype"/],
    ['an unknown key', file(one(',"stride":[1]'), 2), /tensor "t".*found "stride"/],
    ['no dtype', file('{"t":{"shape":[],"data_offsets":[0,0]}}'), /tensor "t".*a dtype, found none/],
    ['no shape', file('{"t":{"dtype":"U8","data_offsets":[0,0]}}'), /tensor "t".*a shape, found none/],
    ['no offsets', file('{"t":{"dtype":"U8","shape":[0]}}'), /tensor "t".*data_offsets \[begin, end\]/],
    [
      'one offset',
      file(`{"t":{"dtype":"U8","shape":[0],"data_offsets":[0]}}`),
      /data_offsets \[begin, end\]/,
    ],
    ['three offsets', file(`{"t":{"dtype":"U8","shape":[0],"data_offsets":[0,0,0]}}`), /at most 2 numbers/],
    ['an unknown dtype', file(`{"t":${tensor(0, 1, '"F5"', '[2]')}}`, 1), /tensor "t".*found "F5"/],
    [
      'elements of half a byte',
      file(`{"t":${tensor(0, 1, '"F4"', '[3]')}}`, 1),
      /tensor "t".*whole bytes, found F4/,
    ],
    ['a dtype in lower case', file(`{"t":${tensor(0, 1, '"u8"')}}`, 1), /found "u8"/],
    ['a dtype of a prototype', file(`{"t":${tensor(0, 1, '"toString"')}}`, 1), /found "toString"/],
    ['a dtype that is a number', file(`{"t":${tensor(0, 1, '8')}}`, 1), /tensor "t".*a dtype, found "8,/],
    ['a negative size', file(`{"t":${tensor(0, 0, '"U8"', '[-1]')}}`), /tensor "t".*whole number.*found "-1/],
    ['a fractional size', file(`{"t":${tensor(0, 1, '"U8"', '[1.5]')}}`, 1), /whole number.*found "1.5/],
    ['a size 1.0', file(`{"t":${tensor(0, 1, '"U8"', '[1.0]')}}`, 1), /whole number/],
    ['a size 1e0', file(`{"t":${tensor(0, 1, '"U8"', '[1e0]')}}`, 1), /whole number/],
    ['a size 01', file(`{"t":${tensor(0, 1, '"U8"', '[01]')}}`, 1), /tensor "t"/],
    ['a size 1e308', file(`{"t":${tensor(0, 0, '"U8"', '[1e308]')}}`), /whole number.*found "1e308/],
    ['a size 2^53', file(`{"t":${tensor(0, 0, '"U8"', '[9007199254740992]')}}`), /whole number/],
    ['a size that is a string', file(`{"t":${tensor(0, 1, '"U8"', '["1"]')}}`, 1), /whole number/],
    ['a size that is null', file(`{"t":${tensor(0, 1, '"U8"', '[null]')}}`, 1), /whole number/],
    ['a shape that is a number', file(`{"t":${tensor(0, 1, '"U8"', '1')}}`, 1), /the shape, found "1,/],
    [
      'a product past 2^53',
      file(`{"t":${tensor(0, 0, '"U8"', '[4294967296,4294967296,4294967296]')}}`),
      /tensor "t".*less than 2\^53/,
    ],
    [
      'a product past 2^53 that wraps to 0 in 64 bits',
      file(`{"t":${tensor(0, 0, '"U8"', '[4294967296,4294967296]')}}`),
      /less than 2\^53 bytes, found U8 \[4294967296, 4294967296\]/,
    ],
    [
      'a product past 1e308, times 0',
      file(`{"t":${tensor(0, 0, '"U8"', `[${'9007199254740991,'.repeat(30)}0]`)}}`),
      /tensor "t"/,
    ],
    [
      '65 dimensions',
      file(`{"t":${tensor(0, 1, '"U8"', `[${'1,'.repeat(64)}1]`)}}`, 1),
      /at most 64 numbers in the shape/,
    ],
    ['a negative offset', file(`{"t":${tensor('-1', 1, '"U8"', '[2]')}}`, 1), /data_offsets: a whole number/],
    [
      'end before begin',
      file(`{"t":${tensor(2, 1, '"U8"', '[1]')}}`, 2),
      /begin before they end, found \[2, 1\]/,
    ],
    [
      'an overlap',
      file(`{"a":${tensor(0, 2)},"b":${tensor(1, 3)}}`, 3),
      /tensor "b".*at 2, .*found 1, an overlap/,
    ],
    [
      'two tensors in one place',
      file(`{"a":${tensor(0, 2)},"b":${tensor(0, 2)}}`, 2),
      /tensor "b".*an overlap/,
    ],
    ['a hole', file(`{"a":${tensor(0, 1)},"b":${tensor(2, 3)}}`, 3), /tensor "b".*found 2, a hole/],
    ['a hole at the beginning', file(`{"a":${tensor(1, 2)}}`, 2), /tensor "a".*at 0, .*found 1, a hole/],
    ['trailing bytes', file(`{"a":${tensor(0, 1)}}`, 3), /end with its last tensor.*found 2 bytes more/],
    ['bytes without a tensor', file('{}', 1), /found 1 bytes more/],
    ['a file cut short', file(`{"a":${tensor(0, 5)}}`, 3), /tensor "a".*cut short/],
    ['offsets near 2^53', file(`{"a":${tensor(0, 9007199254740991)}}`, 3), /tensor "a".*cut short/],
    [
      'more bytes than shape x dtype',
      file(`{"t":${tensor(0, 3, '"F16"', '[1]')}}`, 3),
      /2 bytes of F16 \[1\], found 3/,
    ],
    [
      'fewer bytes than shape x dtype',
      file(`{"t":${tensor(0, 3, '"F16"', '[2]')}}`, 3),
      /4 bytes of F16 \[2\], found 3/,
    ],
    ['an HTML page', utf8('<!DOCTYPE html><html><body>404</body></html>'), /HTML or XML page/],
    ['an HTML page after blanks', utf8('\n\n  <html lang="en"></html>'), /HTML or XML page/],
    [
      'a git-lfs pointer',
      utf8('version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'),
      /git-lfs pointer.*git lfs pull/,
    ],
    ['a short git-lfs pointer', utf8('version https://git-lfs'), /git-lfs pointer/],
    ['an error message', utf8('{"error":"Invalid username or password."}'), /JSON text/],
    ['a short page', utf8('<html>'), /HTML or XML page/],
    ['GGUF', utf8('GGUF\u0003\0\0\0....'), /a GGUF file/],
    ['a zip archive', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 0, 9, 0, 0), /zip archive/],
  ])('%s', async (_, bytes, message) => {
    const error = await open(bytes).then(
      () => expect.unreachable('it was accepted'),
      (caught: unknown) => caught,
    );
    expect(MoeqError.isInstance(error)).toBe(true);
    const { message: sentence } = error as MoeqError;
    expect(sentence).toMatch(message);
    expect(sentence).toMatch(/^x\.safetensors/);
    expect(sentence.length).toBeLessThan(600);
  });

  test('law: a valid file with some bytes changed or cut off is read, or refused with a MoeqError', () => {
    const valid = file(
      `{"__metadata__":{"a":"b"},"t":${tensor(0, 4)},"u":${tensor(4, 8, '"F16"', '[1,2]')}}`,
      8,
    );
    const change = fc.tuple(fc.integer({ min: 0, max: valid.length - 1 }), fc.integer({ min: 0, max: 255 }));
    const printable = fc.tuple(
      fc.integer({ min: 8, max: valid.length - 9 }),
      fc.constantFrom(...utf8('{}[]":,0159.eE-\\ ')),
    );
    const changes = fc.array(fc.oneof(change, printable), { maxLength: 3 });
    return fc.assert(
      fc.asyncProperty(
        changes,
        fc.integer({ min: 0, max: valid.length }),
        fc.boolean(),
        async (edits, end, cut) => {
          const bytes = cut ? valid.slice(0, end) : valid.slice();
          for (const [at, byte] of edits) if (at < bytes.length) bytes[at] = byte;
          const opened = await open(bytes).catch((error: unknown) => error);
          if (MoeqError.isInstance(opened)) return;
          expect(opened).toHaveProperty('tensors');
          // what is accepted lies in the file as the definition says
          const header = bytes.subarray(8, 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true)));
          const { __metadata__: _, ...tensors } = JSON.parse(new TextDecoder().decode(header));
          expect(Object.keys(tensors)).toHaveLength(
            (opened as { tensors: Map<string, unknown> }).tensors.size,
          );
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('more tensors than the limit stop the reading at the limit', async () => {
    const entries = Array.from({ length: maxTensors + 1 }, (_, i) => `"${i}":${tensor(0, 0, '"U8"', '[0]')}`);
    await expect(open(file(`{${entries.join(',')}}`))).rejects.toThrow(
      `at most ${maxTensors} tensors, found more`,
    );
  });

  test('a header of ten million tensors is refused by its length, before it is read', async () => {
    const reads: number[] = [];
    const source: ByteSource = {
      name: 'huge.safetensors',
      size: 1e12,
      async read(_, length) {
        reads.push(length);
        return file('', length - 8, 10_000_000n * 60n);
      },
    };
    await expect(openSafetensors(source)).rejects.toThrow(`at most ${maxHeaderBytes} bytes`);
    expect(reads).toEqual([64]);
  });
});

describe('unusual files that keep the rules', () => {
  test('names of prototypes are names', async () => {
    const names = ['__proto__', 'constructor', 'toString', ''];
    const entries = names.map((name, i) => `${JSON.stringify(name)}:${tensor(i, i + 1)}`);
    const metadata = '"__metadata__":{"__proto__":"p","constructor":"c"}';
    const opened = await open(file(`{${metadata},${entries.join(',')}}`, 4));
    expect([...opened.tensors.keys()]).toEqual(names);
    expect(Object.entries(opened.metadata)).toEqual([
      ['__proto__', 'p'],
      ['constructor', 'c'],
    ]);
    expect('p' in {}).toBe(false);
    expect((await opened.read('__proto__')).shape).toEqual([1]);
    expect((await open(file('{}'))).tensors.has('constructor')).toBe(false);
  });

  test('blanks inside and behind, any order of keys and tensors, empty tensors, scalars', async () => {
    const header = `{ "b" : {"data_offsets":[ 4 ,\t8 ],\n"shape":[],"dtype":"F32"},
      "empty":{"dtype":"I64","shape":[0,7],"data_offsets":[4,4]},"a":${tensor(0, 4)}} \n  `;
    const opened = await open(file(header, 8));
    expect([...opened.tensors.values()].map(({ name, shape, bytes }) => [name, shape, bytes])).toEqual([
      ['a', [4], 4],
      ['empty', [0, 7], 0],
      ['b', [], 4],
    ]);
    expect((await opened.read('empty')).data).toHaveLength(0);
  });

  test('a file without tensors', async () => {
    expect((await open(file('{}'))).tensors.size).toBe(0);
  });
});

describe('reading', () => {
  test('only the header and the ranges asked for are read', async () => {
    const bytes = encodeSafetensors({
      a: { dtype: 'F32', shape: [4, 2, 3], data: new Uint8Array(96).map((_, i) => i) },
      b: { dtype: 'U8', shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) },
    });
    const memory = memorySource('m', bytes);
    const ranges: [number, number][] = [];
    const opened = await openSafetensors({
      ...memory,
      read(offset, length, signal) {
        ranges.push([offset, length]);
        return memory.read(offset, length, signal);
      },
    });
    const dataStart = bytes.length - 101;
    expect(ranges.splice(0)).toEqual([
      [0, 64],
      [8, dataStart - 8],
    ]);
    expect(await opened.read('b')).toEqual({ dtype: 'U8', shape: [5], data: Uint8Array.of(1, 2, 3, 4, 5) });
    expect(ranges.splice(0)).toEqual([[dataStart + 96, 5]]);
    const part = await opened.readPart('a', 2);
    expect(part).toEqual({ dtype: 'F32', shape: [2, 3], data: new Uint8Array(24).map((_, i) => 48 + i) });
    expect(ranges).toEqual([[dataStart + 48, 24]]);
    expect(dataStart % 8).toBe(0);
  });

  test('what is not there is refused by name', async () => {
    const opened = await open(
      encodeSafetensors({ a: { dtype: 'U8', shape: [2, 2], data: new Uint8Array(4) } }),
    );
    await expect(opened.read('b')).rejects.toThrow(
      'x.safetensors: cannot read a tensor: expected one of its 1 tensors',
    );
    for (const index of [2, -1, 0.5, Number.NaN]) {
      await expect(opened.readPart('a', index)).rejects.toThrow(/tensor "a": cannot read part/);
    }
  });

  test('an abort stops the reading', async () => {
    const source = memorySource('m', encodeSafetensors({}));
    await expect(openSafetensors(source, AbortSignal.abort())).rejects.toThrow(/abort/);
  });
});

describe('encodeSafetensors', () => {
  const anyTensor = fc
    .tuple(
      fc.constantFrom(...(dtypes as DType[])),
      fc.array(fc.integer({ min: 0, max: 4 }), { maxLength: 4 }),
      fc.nat(),
    )
    .map(([dtype, shape, seed]) => {
      const data = Uint8Array.from({ length: byteLength(dtype, shape) }, (_, i) => (i * 7 + seed) % 256);
      return { dtype, shape, data };
    });
  const names = fc.string({ unit: 'binary' }).filter((name) => name !== '__metadata__');

  test('law: what is written is read back, aligned', () => {
    return fc.assert(
      fc.asyncProperty(
        fc.dictionary(names, anyTensor, { maxKeys: 10 }),
        fc.dictionary(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), { maxKeys: 4 }),
        async (tensors, metadata) => {
          const opened = await open(encodeSafetensors(tensors, metadata));
          expect({ ...opened.metadata }).toEqual({ ...metadata });
          expect(new Set(opened.tensors.keys())).toEqual(new Set(Object.keys(tensors)));
          for (const { name, offset, dtype } of opened.tensors.values()) {
            expect(offset % byteLength(dtype, [])).toBe(0);
            expect(await opened.read(name)).toEqual(tensors[name]);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test('refuses data of another size and the reserved name', () => {
    expect(() => encodeSafetensors({ a: { dtype: 'F32', shape: [2], data: new Uint8Array(7) } })).toThrow(
      'tensor "a": cannot write safetensors: expected 8 bytes of F32 [2], found 7',
    );
    expect(() =>
      encodeSafetensors({ __metadata__: { dtype: 'U8', shape: [0], data: new Uint8Array(0) } }),
    ).toThrow(/does not reserve/);
  });
});
