import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { codebookEncoder, quantizeCodebook } from './codebook.js';
import { dynamicMapValues } from './dynamic-map.js';
import { fp4Values } from './fp4.js';
import { nf4Values } from './nf4.js';
import { weights } from './testkit/arbitrary.js';

/** Codes one a byte. */
function codesOf(values: Float32Array, blockSize: number, table: Float32Array): number[] {
  const { codes } = quantizeCodebook(values, blockSize, codebookEncoder(table));
  if (table.length === 256) return [...codes];
  return [...codes].flatMap((byte) => [byte >> 4, byte & 15]).slice(0, values.length);
}

/** An arbitrary table: unsorted, values close together and twice. */
const anyTable = fc
  .constantFrom(16, 256)
  .chain((length) =>
    fc.array(fc.float({ noNaN: true, min: -1, max: 1 }), { minLength: length, maxLength: length }),
  )
  .map((list) => Float32Array.from(list));

const tables = fc.oneof(fc.constantFrom(nf4Values, fp4Values, dynamicMapValues), anyTable);

describe('quantizeCodebook', () => {
  test('takes the nearest value of the table', () => {
    fc.assert(
      fc.property(weights(300), fc.constantFrom(32, 64, 128), tables, (values, blockSize, table) => {
        const codes = codesOf(values, blockSize, table);
        values.forEach((value, index) => {
          const start = index - (index % blockSize);
          const absmax = Math.max(
            ...values.subarray(start, start + blockSize).map(Math.abs),
            Math.fround(1e-38),
          );
          const x = value / absmax;
          const distance = Math.abs((table[codes[index] as number] as number) - x);
          const least = Math.min(...Array.from(table, (candidate) => Math.abs(candidate - x)));
          // two roundings of float32 in the division by absmax, one in the threshold
          expect(distance).toBeLessThanOrEqual(least + 3e-7);
        });
      }),
    );
  });

  test('takes the lower of two values at the same distance', () => {
    const levels = Float32Array.from({ length: 16 }, (_, i) => (i - 8) / 8);
    const halfway = Float32Array.from({ length: 32 }, (_, i) => (i < 15 ? (2 * i - 15) / 16 : 1));
    expect(codesOf(halfway, 32, levels).slice(0, 15)).toEqual(Array.from({ length: 15 }, (_, i) => i));
  });

  test('gives each block the largest magnitude in it', () => {
    fc.assert(
      fc.property(weights(300), (values) => {
        const { absmax } = quantizeCodebook(values, 64, codebookEncoder(nf4Values));
        expect(absmax.length).toBe(Math.ceil(values.length / 64));
        absmax.forEach((scale, block) => {
          const part = values.subarray(64 * block, 64 * block + 64);
          const largest = Math.max(...part.map(Math.abs));
          expect(scale).toBe(part.length < 64 ? Math.max(largest, Math.fround(1e-38)) : largest);
        });
      }),
    );
  });

  test('is the same whatever stands before and after a block', () => {
    fc.assert(
      fc.property(weights(64), fc.integer({ min: 1, max: 200 }), (block, before) => {
        const whole = new Float32Array((before + 2) * 64).fill(0.5);
        const full = new Float32Array(64);
        full.set(block);
        whole.set(full, before * 64);
        const alone = codesOf(full, 64, nf4Values);
        expect(codesOf(whole, 64, nf4Values).slice(before * 64, before * 64 + 64)).toEqual(alone);
      }),
    );
  });
});

describe('dynamicMapValues', () => {
  test('rises from -0.993 to 1, with 0 at code 127, and is symmetric but for the 1', () => {
    expect(dynamicMapValues.length).toBe(256);
    expect(dynamicMapValues[127]).toBe(0);
    expect(dynamicMapValues[255]).toBe(1);
    expect(dynamicMapValues[0]).toBe(-0.992968738079071);
    for (let i = 1; i < 256; i++) {
      expect(dynamicMapValues[i]).toBeGreaterThan(dynamicMapValues[i - 1] as number);
      if (i < 128) expect(dynamicMapValues[127 - i]).toBe(-(dynamicMapValues[127 + i] as number));
    }
  });
});
