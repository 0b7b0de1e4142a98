import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { argmax, largest } from './select.js';

/** Few different values, so that there are ties, among them both infinities. */
const values = fc
  .array(fc.oneof(fc.integer({ min: -3, max: 3 }), fc.constantFrom(-Infinity, Infinity, -0, 0.5)), {
    maxLength: 200,
  })
  .map((numbers) => Float32Array.from(numbers));

function sorted(of: Float32Array): number[] {
  return [...of.keys()].sort((a, b) => {
    const [x, y] = [of[a] as number, of[b] as number];
    return x === y ? a - b : y - x;
  });
}

describe('largest', () => {
  test('is the beginning of all indices sorted by value, then by index', () => {
    fc.assert(
      fc.property(values, fc.nat({ max: 220 }), (of, count) => {
        expect([...largest(of, count)]).toEqual(sorted(of).slice(0, count));
      }),
      { numRuns: 500 },
    );
  });
});

describe('argmax', () => {
  test('is the first of the largest', () => {
    fc.assert(
      fc.property(values, (of) => {
        expect(argmax(of)).toBe(sorted(of)[0] ?? -1);
      }),
    );
  });
});
