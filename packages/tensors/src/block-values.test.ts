import { expect, test } from 'vitest';
import { planeData } from './block-values.js';
import type { QuantizedTensor } from './layout.js';

const tensor: QuantizedTensor = {
  format: 'mine',
  shape: [1, 2],
  dtype: 'F32',
  layout: null,
  planes: { codes: { dtype: 'U8', data: Uint8Array.of(1, 2) } },
};

test('the bytes of a plane, which are those of the tensor', () => {
  expect(planeData(tensor, 'codes')).toBe(tensor.planes['codes']?.data);
});

test.each(['scales', 'constructor'])('plane %s is missing: an error, no empty array', (name) => {
  expect(() => planeData(tensor, name)).toThrow(
    `a tensor in format "mine": cannot read the weights: expected plane "${name}", found codes`,
  );
});
