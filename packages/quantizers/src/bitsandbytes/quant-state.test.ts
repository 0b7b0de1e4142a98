import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  decodeQuantState,
  encodeQuantState,
  maxQuantStateBytes,
  pythonFloat,
  type QuantState,
} from './quant-state.js';

const decode = (text: string) => decodeQuantState(new TextEncoder().encode(text), 'w.quant_state');

const state: QuantState = {
  quantType: 'nf4',
  blockSize: 64,
  dtype: 'BF16',
  shape: [16, 64],
  nested: { blockSize: 256, offset: 0.06203380227088928 },
};

const text =
  '{"quant_type": "nf4", "blocksize": 64, "dtype": "bfloat16", "shape": [16, 64], "nested_blocksize": 256, ' +
  '"nested_dtype": "float32", "nested_offset": 0.06203380227088928}';

describe('pythonFloat', () => {
  // what CPython prints
  test.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-2.5, '-2.5'],
    [0.0001, '0.0001'],
    [0.00009, '9e-05'],
    [0.00009999999747378752, '9.999999747378752e-05'],
    [-1.1754943508222875e-38, '-1.1754943508222875e-38'],
    [1e-7, '1e-07'],
    [123456789012345680, '1.2345678901234568e+17'],
    [1e16, '1e+16'],
    [9007199254740991, '9007199254740991.0'],
    [1e22, '1e+22'],
    [1e100, '1e+100'],
    [16777216, '16777216.0'],
  ])('%d -> %s', (value, expected) => {
    expect(pythonFloat(value)).toBe(expected);
  });

  test('is read back as the same number', () => {
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
        expect(Object.is(Number(pythonFloat(value)), value)).toBe(true);
      }),
    );
  });
});

describe('quantization state', () => {
  test('is the JSON that Python writes', () => {
    expect(new TextDecoder().decode(encodeQuantState(state))).toBe(text);
    expect(decode(text)).toEqual(state);
  });

  test('comes back as it was', () => {
    const size = fc.nat(1 << 20);
    const states = fc.record<QuantState>({
      quantType: fc.constantFrom('nf4', 'fp4'),
      blockSize: fc.constantFrom(32, 64, 4096),
      dtype: fc.constantFrom('F16', 'BF16', 'F32'),
      shape: fc.array(size, { minLength: 2, maxLength: 3 }),
      nested: fc.option(
        fc.record({
          blockSize: fc.constantFrom(64, 256),
          offset: fc.float({ noNaN: true, noDefaultInfinity: true }),
        }),
      ),
    });
    fc.assert(
      fc.property(states, (each) => {
        expect(decodeQuantState(encodeQuantState(each), 'w')).toEqual(each);
      }),
    );
  });

  test.each([
    ['', 'JSON of at most 1024 bytes'],
    ['{"quant_type": "nf4"', 'JSON of at most 1024 bytes'],
    ['[]', 'expected a value, found nothing'],
    ['7', 'an object with the keys'],
    ['null', 'an object with the keys'],
    [text.replace('"nf4"', '"nf5"'), 'expected one of "nf4", "fp4", found "nf5"'],
    [text.replace('64,', '65,'), 'expected one of 32, 64'],
    [
      text.replace('"blocksize": 64, ', ''),
      'blocksize: cannot read the quantization state: expected a value, found nothing',
    ],
    [
      text.replace('bfloat16', 'float64'),
      'expected one of "float16", "bfloat16", "float32", found "float64"',
    ],
    [text.replace('[16, 64]', '[16]'), 'a matrix or matrices'],
    [text.replace('[16, 64]', '[16, -64]'), 'a number from 0'],
    [text.replace('[16, 64]', '[16, 1e300]'), 'a whole number'],
    [text.replace('0.06203380227088928', '1e999'), 'nested_offset'],
    [text.replace('0.06203380227088928', 'NaN'), 'JSON'],
    [
      text.replace(', "nested_offset": 0.06203380227088928', ''),
      'all of nested_blocksize, nested_dtype and nested_offset',
    ],
    [text.replace('"shape"', '"extra": 1, "shape"'), 'only the keys'],
    [`${text}${' '.repeat(maxQuantStateBytes)}`, `found ${text.length + maxQuantStateBytes} bytes`],
  ])('refuses %s', (bad, message) => {
    expect(() => decode(bad)).toThrow('w.quant_state');
    expect(() => decode(bad)).toThrow(message);
  });
});
