import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { decodeTensor } from './decode.js';
import type { Layout } from './layout.js';
import { isQuantized, sliceMatrix, sliceRows } from './slice.js';
import type { Tensor } from './tensor.js';
import { anyTensor } from './testkit/random-tensor.js';

const plain: Tensor = { dtype: 'F16', shape: [3, 2, 2], data: Uint8Array.from({ length: 24 }, (_, i) => i) };

test('isQuantized tells the two apart', () => {
  expect(isQuantized(plain)).toBe(false);
  expect(isQuantized({ format: 'x', shape: [1, 1], dtype: 'F32', layout: null, planes: {} })).toBe(true);
});

describe('sliceMatrix', () => {
  test('views one matrix of a plain tensor', () => {
    const matrix = sliceMatrix(plain, 1);
    expect(matrix).toEqual({ dtype: 'F16', shape: [2, 2], data: plain.data.subarray(8, 16) });
    expect(matrix.data.buffer).toBe(plain.data.buffer);
  });

  test('law: matrices of a quantized tensor decode to the parts of the whole, without a copy', () => {
    fc.assert(
      fc.property(
        anyTensor.filter((tensor) => tensor.shape.length === 3),
        fc.nat(),
        (tensor, seed) => {
          const whole = decodeTensor(tensor);
          const [matrices, rows, columns] = tensor.shape as [number, number, number];
          const index = seed % matrices;
          const matrix = sliceMatrix(tensor, index);
          expect(matrix.shape).toEqual([rows, columns]);
          const size = rows * columns;
          expect(decodeTensor(matrix)).toEqual(whole.subarray(index * size, (index + 1) * size));
          for (const [name, plane] of Object.entries(matrix.planes)) {
            expect(plane.data.buffer).toBe(tensor.planes[name]?.data.buffer);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  test('planes of a format without a layout are cut the same way', () => {
    const planes = { mine: { dtype: 'U8' as const, data: Uint8Array.of(1, 2, 3, 4, 5, 6) } };
    const tensor = { format: 'mine', shape: [3, 1, 9], dtype: 'F32' as const, layout: null, planes };
    expect([...(sliceMatrix(tensor, 2).planes.mine?.data ?? [])]).toEqual([5, 6]);
    expect(() => sliceMatrix({ ...tensor, shape: [4, 1, 9] }, 2)).toThrow('a multiple of 4 bytes, found 6');
  });

  test('refuses what is not there', () => {
    for (const index of [3, -1, 0.5, Number.NaN]) {
      expect(() => sliceMatrix(plain, index)).toThrow(`F16 tensor: cannot take matrix ${index}: `);
    }
    expect(() => sliceMatrix({ ...plain, shape: [6, 2] }, 0)).toThrow(
      'F16 tensor: cannot take matrix 0: expected [matrices, rows, columns] with more than 0 matrices, found shape [6,2]',
    );
  });
});

describe('sliceRows', () => {
  const matrix = sliceMatrix(plain, 0);

  test('views rows of a plain matrix', () => {
    expect(sliceRows(matrix, 1, 1)).toEqual({ dtype: 'F16', shape: [1, 2], data: plain.data.subarray(4, 8) });
    expect(sliceRows(matrix, 2, 0).data).toHaveLength(0);
  });

  test('law: rows of a quantized matrix decode to rows of the whole, or a boundary is in the way and that is said', () => {
    let cut = 0;
    let refused = 0;
    fc.assert(
      fc.property(
        anyTensor.filter((tensor) => tensor.shape.length === 2),
        fc.nat(),
        fc.nat(),
        (tensor, a, b) => {
          const [rows, columns] = tensor.shape as [number, number];
          const first = a % (rows + 1);
          const count = b % (rows - first + 1);
          const { blocks, blockSize, bitsPerCode, scale } = tensor.layout as Layout;
          let slice: typeof tensor;
          try {
            slice = sliceRows(tensor, first, count);
          } catch (error) {
            refused++;
            expect(String(error)).toMatch(/across it/);
            // a boundary at every row is never in the way
            const simple =
              scale.kind === 'plain' &&
              bitsPerCode === 8 &&
              (tensor.layout as Layout).decode.kind === 'codebook';
            expect(simple && (blocks === 'row' || columns % blockSize === 0)).toBe(false);
            return;
          }
          cut++;
          const whole = decodeTensor(tensor);
          expect(decodeTensor(slice)).toEqual(whole.subarray(first * columns, (first + count) * columns));
        },
      ),
      { numRuns: 1000 },
    );
    expect(Math.min(cut, refused)).toBeGreaterThan(100);
  });

  test('refuses rows that are not there, and tensors that are no matrix', () => {
    for (const [first, count] of [
      [1, 2],
      [-1, 1],
      [0, -1],
      [0.5, 1],
      [Number.NaN, 1],
    ] as const) {
      expect(() => sliceRows(matrix, first, count)).toThrow(/a matrix that has them/);
    }
    expect(() => sliceRows(plain, 0, 1)).toThrow(/a matrix that has them/);
  });
});
