import { expect, test } from 'vitest';
import { counted } from './counted.js';

test('one, many, none, and parts of one', () => {
  expect([0, 1, 2, 1.5].map((count) => counted(count, 'token'))).toEqual([
    '0 tokens',
    '1 token',
    '2 tokens',
    '1.5 tokens',
  ]);
  expect([1, 2].map((count) => counted(count, 'matrix', 'matrices'))).toEqual(['1 matrix', '2 matrices']);
});
