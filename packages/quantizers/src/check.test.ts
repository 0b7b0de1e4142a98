import fc from 'fast-check';
import { expect, test } from 'vitest';
import { assertFinite } from './check.js';
import { nf4 } from './nf4.js';

test('assertFinite names the tensor, the value and its place', () => {
  const bad = fc.constantFrom(NaN, Infinity, -Infinity);
  fc.assert(
    fc.property(
      fc.array(fc.float({ noNaN: true, noDefaultInfinity: true })),
      bad,
      fc.nat(),
      (list, value, place) => {
        const weights = Float32Array.from(list);
        expect(() => assertFinite(weights, 'w')).not.toThrow();
        const index = place % (list.length + 1);
        const broken = Float32Array.from([...list.slice(0, index), value, ...list.slice(index)]);
        expect(() => assertFinite(broken, 'layers.0.w1')).toThrow(
          `layers.0.w1: cannot quantize: expected finite weights, found ${value} at element ${index}`,
        );
      },
    ),
  );
});

test('weights that are not rows x columns are refused', () => {
  expect(() => nf4().quantize(new Float32Array(5), [2, 3], { name: 'w', dtype: 'F32' })).toThrow(
    'w: cannot quantize: expected 2 x 3 weights, found 5',
  );
});
