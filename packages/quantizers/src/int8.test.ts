import { fromFloat32, toFloat32 } from '@moeq/tensors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { int8 } from './int8.js';
import { weights } from './testkit/arbitrary.js';
import { planeBytes } from './testkit/hex.js';

const rows = (list: number[][], dtype: 'F32' | 'BF16' = 'F32') =>
  int8().quantize(Float32Array.from(list.flat()), [list.length, list[0]?.length ?? 0], {
    name: 'weight',
    dtype,
  });
const codesOf = (tensor: ReturnType<typeof rows>) => [
  ...new Int8Array(planeBytes(tensor, 'codes').slice().buffer),
];

describe('int8 rows', () => {
  test('rounds ties to even and gives a row of zeros codes 0 and SCB 0', () => {
    const tensor = rows([
      [1, -0.5, 0.25, 0.0039],
      [0, 0, 0, 0],
    ]);
    expect(codesOf(tensor)).toEqual([127, -64, 32, 0, 0, 0, 0, 0]);
    expect([...new Float32Array(planeBytes(tensor, 'scales').buffer)]).toEqual([1, 0]);
  });

  test('takes bfloat16 weights through float16, as LLM.int8 does', () => {
    const tiny = [2 ** -24, 1.5 * 2 ** -24, 2 ** -20];
    const half = toFloat32(fromFloat32(Float32Array.from(tiny), 'F16'), 'F16');
    expect(codesOf(rows([tiny], 'BF16'))).toEqual(codesOf(rows([[...half]])));
    expect(codesOf(rows([tiny], 'BF16'))).not.toEqual(codesOf(rows([tiny])));
    expect(() => rows([[1, 70000]], 'BF16')).toThrow(
      'expected weights within float16, through which LLM.int8 takes them, found row 0 beyond',
    );
    expect(() => rows([[1], [3e36]])).toThrow('found row 1 beyond');
  });
});

describe.each([int8(), int8({ granularity: 'block', blockSize: 32 })])('int8 $options', (quantizer) => {
  test('is within half a step of every weight', () => {
    fc.assert(
      fc.property(weights(150), (any) => {
        const row = any.map((weight) => (Math.abs(weight) > 2e36 ? 1 : weight));
        const values = quantizer.dequantize(
          quantizer.quantize(row, [1, row.length], { name: 'weight', dtype: 'F32' }),
        );
        const block = quantizer.layout([1, row.length])?.blockSize ?? 1;
        row.forEach((weight, index) => {
          const start = index - (index % block);
          const largest = Math.max(...row.subarray(start, start + block).map(Math.abs));
          expect(Math.abs(weight - (values[index] as number))).toBeLessThanOrEqual(
            largest * (0.5 / 127 + 1e-6) + 1e-42,
          );
        });
      }),
    );
  });
});

test('int8 refuses options that do not go together', () => {
  expect(() => int8({ granularity: 'row', blockSize: 64 } as never)).toThrow(
    'expected only the keys granularity, found "blockSize"',
  );
  expect(() => int8({ granularity: 'column' } as never)).toThrow('expected row or block, found "column"');
});
