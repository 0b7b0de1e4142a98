import { decodeTensor, type Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { fromMxfp4, mxfp4Names, mxfp4Shape } from './mxfp4.js';

const name = 'model.layers.0.mlp.experts.gate_up_proj';

const tensor = (shape: readonly number[], data: ArrayLike<number>): Tensor => ({
  dtype: 'U8',
  shape,
  data: Uint8Array.from(data),
});

/** Bytes 0 to 255 in blocks of 16. */
const bytes = (count: number) => Uint8Array.from({ length: count }, (_, i) => i & 255);

/** OCP E2M1, by code. */
const e2m1 = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

describe('fromMxfp4', () => {
  test('element 2b is in the low nibble of byte b, and exponents count from 127', () => {
    const scales = [127, 120, 130, 0];
    const blocks = bytes(4 * 16);
    const decoded = fromMxfp4(name, {
      [`${name}_blocks`]: tensor([1, 2, 2, 16], blocks),
      [`${name}_scales`]: tensor([1, 2, 2], scales),
    });
    expect(decoded).toMatchObject({ format: 'mxfp4', shape: [1, 2, 64], dtype: 'BF16' });
    const expected = Array.from(blocks, (byte, i) => {
      const scale = 2 ** ((scales[Math.floor(i / 16)] ?? 0) - 127);
      return [byte & 15, byte >> 4].map((code) => (e2m1[code] ?? 0) * scale);
    }).flat();
    expect([...decodeTensor(decoded)]).toEqual(expected.map((value) => (value === 0 ? 0 : value)));
  });

  test('keeps the bytes of the files', () => {
    const [blocks, scales] = [tensor([2, 1, 16], bytes(32)), tensor([2, 1], [127, 128])];
    const { planes, shape } = fromMxfp4(name, { [`${name}_blocks`]: blocks, [`${name}_scales`]: scales });
    expect(shape).toEqual([2, 32]);
    expect([planes['codes']?.data, planes['scales']?.data]).toEqual([blocks.data, scales.data]);
  });

  test('a scale that is NaN is refused', () => {
    const parts = {
      [`${name}_blocks`]: tensor([1, 2, 16], bytes(32)),
      [`${name}_scales`]: tensor([1, 2], [127, 255]),
    };
    expect(() => fromMxfp4(name, parts)).toThrow(
      /finite numbers in plane scales, found NaN or infinity at 1/,
    );
  });
});

test('a weight is named by either of its tensors', () => {
  const names = [`${name}_blocks`, `${name}_scales`, `${name}_bias`, 'a_scales', 'model.norm.weight'];
  expect(mxfp4Names(names)).toEqual([name, 'a']);
});

describe('mxfp4Shape', () => {
  interface Head {
    readonly dtype: 'U8' | 'BF16';
    readonly shape: readonly number[];
  }
  const head = (shape: readonly number[], dtype: Head['dtype'] = 'U8'): Head => ({ dtype, shape });
  test.each<[string, Head | undefined, Head | undefined, string]>([
    ['no blocks', undefined, head([2, 4, 3]), 'gate_up_proj_blocks'],
    ['no scales', head([2, 4, 3, 16]), undefined, 'gate_up_proj_scales'],
    ['blocks of 8 bytes', head([2, 4, 3, 8]), head([2, 4, 3]), 'U8 [2,4,3,8]'],
    ['blocks of floats', head([2, 4, 3, 16], 'BF16'), head([2, 4, 3]), 'BF16 [2,4,3,16]'],
    ['a list of blocks', head([3, 16]), head([3]), 'U8 [3,16]'],
    ['scales of another matrix', head([2, 4, 3, 16]), head([2, 4, 2]), 'U8 [2,4,2]'],
    ['scales of floats', head([2, 4, 3, 16]), head([2, 4, 3], 'BF16'), 'BF16 [2,4,3]'],
  ])('%s are refused', (_, blocks, scales, said) => {
    expect(() => mxfp4Shape(name, blocks, scales)).toThrow(said);
  });

  test('is of 32 elements a block', () => {
    expect(mxfp4Shape(name, head([2, 4, 3, 16]), head([2, 4, 3]))).toEqual([2, 4, 96]);
    expect(mxfp4Shape(name, head([4, 3, 16]), head([4, 3]))).toEqual([4, 96]);
  });
});
