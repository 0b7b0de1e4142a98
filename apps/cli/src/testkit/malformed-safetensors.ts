// Files of weights that are none, or whose header cannot be.
import type { Cases } from './malformed.js';

const one = (facts: string) => `{"t":{"dtype":"U8","shape":[2],"data_offsets":[0,2]${facts}}}`;
const at = (begin: number, end: number) =>
  `{"dtype":"U8","shape":[${end - begin}],"data_offsets":[${begin},${end}]}`;
const shaped = (shape: string, dtype = 'F32', end = 0) =>
  `{"t":{"dtype":"${dtype}","shape":${shape},"data_offsets":[0,${end}]}}`;

const file = /^moeq: \S+model\.safetensors/;
const about = (pattern: RegExp) => new RegExp(`${file.source}.*${pattern.source}`);

const header = (text: string, pattern: RegExp, length?: bigint, dataBytes?: number) => ({
  spoil: (model: Parameters<Cases[string]['spoil']>[0]) => model.header(text, length, dataBytes),
  sentence: about(pattern),
});
const content = (bytes: string | Uint8Array, pattern: RegExp) => ({
  spoil: (model: Parameters<Cases[string]['spoil']>[0]) => model.write('model.safetensors', bytes),
  sentence: about(pattern),
});

export const safetensorsCases: Cases = {
  'an empty file': content('', /at least 8 bytes, found 0/),
  '7 bytes': content('1234567', /at least 8 bytes, found 7/),
  'a header beyond the file': header('{}', /header of 3 bytes, found a file of 10 bytes/, 3n),
  'a header of 0 bytes': header('', /2 bytes or more, found 0/, 0n),
  'a header over 100 MB': header('{}', /at most 100000000 bytes, found 100000001/, 100_000_001n),
  'a header of 2^63 bytes': header('{}', /found 9223372036854775808/, 2n ** 63n),
  'a header of 2^64 - 1 bytes': header('{}', /found 18446744073709551615/, 2n ** 64n - 1n),
  'no UTF-8': content(Uint8Array.of(5, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x22, 0xff, 0x22, 0x7d), /expected UTF-8/),
  'no JSON': header('hello', /begin with "\{"/),
  'cut JSON': header('{"t":{"dtype":"U8","sha', /a key of a tensor .* that ends/),
  'leading blanks': header('  {}', /begin with "\{"/),
  'a list': header('[]', /begin with "\{"/),
  'nesting 100,000 deep': header(`{"a":${'['.repeat(1e5)}${']'.repeat(1e5)}}`, /tensor "a"/),
  'duplicate names': header(`{"t":${at(0, 1)},"t":${at(1, 2)}}`, /once, found "t" twice/, undefined, 2),
  'the name __proto__': {
    ...header(`{"__proto__":${at(0, 1)}}`, /./, undefined, 1),
    sentence: /expected tensor "model\.embed_tokens\.weight", found no such tensor/,
  },
  'the name constructor': {
    ...header(`{"constructor":${at(0, 1)}}`, /./, undefined, 1),
    sentence: /expected tensor "model\.embed_tokens\.weight", found no such tensor/,
  },
  'metadata that are numbers': header('{"__metadata__":{"a":1}}', /a string under "a"/),
  'an unknown dtype': header(shaped('[2]', 'F5', 1), /tensor "t".*found "F5"/, undefined, 1),
  'a negative size': header(shaped('[-1]'), /tensor "t".*whole number/),
  'half an element': header(shaped('[0.5]'), /tensor "t".*whole number/),
  'a size of 1e308': header(shaped('[1e308]'), /tensor "t".*whole number/),
  'a size of 2^53': header(shaped('[9007199254740992]'), /tensor "t".*whole number/),
  'a product that overflows': header(shaped('[4294967296,4294967296]'), /tensor "t".*less than 2\^53/),
  'an end before its beginning': header(
    '{"t":{"dtype":"U8","shape":[1],"data_offsets":[2,1]}}',
    /begin before they end/,
  ),
  'an overlap': header(`{"a":${at(0, 2)},"b":${at(1, 3)}}`, /tensor "b".*an overlap/, undefined, 3),
  'a hole': header(`{"a":${at(0, 1)},"b":${at(2, 3)}}`, /tensor "b".*a hole/, undefined, 3),
  'trailing bytes': header(`{"a":${at(0, 1)}}`, /found 2 bytes more/, undefined, 3),
  'a file cut short': header(`{"a":${at(0, 9)}}`, /tensor "a".*cut short/, undefined, 3),
  'bytes unlike shape and dtype': header(
    shaped('[1]', 'F32', 3),
    /4 bytes of F32 \[1\], found 3/,
    undefined,
    3,
  ),
  'an unknown key': header(one(',"stride":[1]'), /tensor "t".*found "stride"/, undefined, 2),
  'a page': content('<!DOCTYPE html><html><body>404 Not Found</body></html>', /HTML or XML page/),
  'a pointer of git-lfs': content(
    'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n',
    /git lfs pull/,
  ),
  'a pickle': {
    async spoil(model) {
      await model.remove('model.safetensors');
      await model.write('pytorch_model.bin', 'PK');
    },
    sentence: /model\.safetensors.*found pytorch_model\.bin/,
  },
};
