import { expect, test } from 'vitest';
import { spreadBytes, spreadOf } from './groups.js';

test('groups that follow one another stay blocks, others give each column what its group has', () => {
  expect(spreadOf('layer', Int32Array.of(0, 0, 1, 1), 2, 2)).toBe(null);
  const index = spreadOf('layer', Int32Array.of(1, 0, 0, 1), 2, 2);
  expect(index).toEqual(Int32Array.of(1, 0, 0, 1));
  const data = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8); // two rows of two groups of two bytes
  expect(spreadBytes(data, 2, 2, 2, index)).toEqual(
    Uint8Array.of(3, 4, 1, 2, 1, 2, 3, 4, 7, 8, 5, 6, 5, 6, 7, 8),
  );
  expect(spreadBytes(data, 2, 2, 2, null)).toBe(data);
});

test.each([-1, 2])('group %i of 2 is refused', (group) => {
  expect(() => spreadOf('layer', Int32Array.of(0, group), 1, 2)).toThrow(
    `layer: cannot open the quantized weights: expected a g_idx of groups below 2, found ${group}`,
  );
});
