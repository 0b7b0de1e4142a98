import { expect, test } from 'vitest';
import { nf4 } from './nf4.js';

test('weights that are not rows x columns are refused', () => {
  expect(() => nf4().quantize(new Float32Array(5), [2, 3], { name: 'w', dtype: 'F32' })).toThrow(
    'w: cannot quantize: expected 2 x 3 weights, found 5',
  );
});
