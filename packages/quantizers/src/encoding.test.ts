import { expect, test } from 'vitest';
import { doubleQuant } from './double-quant.js';
import { int4 } from './int4.js';
import { int8 } from './int8.js';
import { nf4 } from './nf4.js';
import { assertQuantizer } from './quantizer-object.js';

test.each([nf4(), int4(), int8(), int8({ granularity: 'block' }), doubleQuant(nf4())])(
  '$name has an encoding that a copy keeps',
  (quantizer) => {
    const copy = { ...quantizer, name: 'mine' };
    expect(copy.encoding).toBe(quantizer.encoding);
    expect(() => assertQuantizer(copy, 'mine.mjs')).not.toThrow();
  },
);

test('a scale with a multiplier before it is not nested by data', () => {
  expect(doubleQuant(int8()).encoding).toBeUndefined();
});

const codebook = { bitsPerCode: 4, values: new Float32Array(16), thresholds: new Float32Array(16) };

test.each<[encoding: unknown, message: string]>([
  [5, 'encoding'],
  [{ rule: { kind: 'rows9' }, nested: null }, 'encoding.rule.kind'],
  [{ rule: { kind: 'signed8', blockSize: 0.5 }, nested: null }, 'a whole number'],
  [{ rule: { kind: 'signed8', blockSize: 32 } }, 'encoding.nested'],
  [
    {
      rule: { kind: 'codebook', codebook: { ...codebook, codeOfRank: new Uint8Array(8) }, blockSize: 64 },
      nested: null,
    },
    'tables of 2^bitsPerCode entries',
  ],
])('a wrong one is refused: %j', (encoding, message) => {
  expect(() => assertQuantizer({ ...nf4(), encoding }, 'mine.mjs')).toThrow(message);
});
