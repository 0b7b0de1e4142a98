import { decodeTensor, float32View, type QuantizedTensor } from '@moeq/tensors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { doubleQuant } from './double-quant.js';
import { dynamicMapValues } from './dynamic-map.js';
import { int4 } from './int4.js';
import { int8 } from './int8.js';
import { nf4 } from './nf4.js';
import type { Quantizer } from './quantizer.js';
import { rowRange, twelveBit } from './testkit/custom.js';
import { planeBytes } from './testkit/hex.js';

const context = { name: 'weight', dtype: 'F32' } as const;

/** The scales as numbers, by one weight of 1 a block. */
function scalesOf(tensor: QuantizedTensor): Float32Array {
  const layout = tensor.layout;
  if (layout === null) throw new Error('no layout');
  const values = new Float32Array(16).fill(1);
  const count = planeBytes(tensor, 'scales').length;
  return decodeTensor({
    ...tensor,
    shape: [1, count],
    layout: { ...layout, blockSize: 1, decode: { kind: 'codebook', values } },
    planes: { ...tensor.planes, codes: { dtype: 'U8', data: new Uint8Array(Math.ceil(count / 2)) } },
  });
}

describe('doubleQuant', () => {
  test('codes of scales 1, 2, 3 and 6', () => {
    const weights = new Float32Array(256);
    [1, 2, 3, 6].forEach((scale, block) => {
      weights[64 * block] = scale;
    });
    const tensor = doubleQuant(nf4()).quantize(weights, [4, 64], context);
    expect([...planeBytes(tensor, 'scales')]).toEqual([23, 47, 127, 255]);
    const scales = [0.99140644, 2.00390625, 3, 6];
    scalesOf(tensor).forEach((scale, index) => {
      expect(scale).toBeCloseTo(scales[index] as number, 6);
    });
  });

  test('a scale is off by at most 0.71 % of the largest distance from the mean', () => {
    fc.assert(
      fc.property(
        fc.array(fc.float({ min: Math.fround(1e-6), max: 1e6, noNaN: true }), {
          minLength: 1,
          maxLength: 600,
        }),
        (list) => {
          const weights = new Float32Array(64 * list.length);
          list.forEach((scale, block) => {
            weights[64 * block] = scale;
          });
          const scales = scalesOf(doubleQuant(nf4()).quantize(weights, [list.length, 64], context));
          const mean = list.reduce((sum, scale) => sum + scale, 0) / list.length;
          list.forEach((scale, block) => {
            const first = block - (block % 256);
            const spread = Math.max(...list.slice(first, first + 256).map((each) => Math.abs(each - mean)));
            // half the widest gap of the dynamic map, and the -1 that it lacks
            expect(Math.abs((scales[block] as number) - scale)).toBeLessThanOrEqual(
              0.00711 * spread + 1e-6 * mean,
            );
          });
        },
      ),
    );
  });

  test('equal scales stay as they are', () => {
    const weights = Float32Array.from({ length: 1024 }, (_, i) => (i % 64 === 0 ? 0.1 : 0));
    const values = doubleQuant(nf4()).dequantize(doubleQuant(nf4()).quantize(weights, [16, 64], context));
    expect(values).toEqual(weights);
  });

  test('nests the multiplier of int8 rows and the offsets of an affine layout', () => {
    const weights = Float32Array.from({ length: 300 * 64 }, (_, i) => Math.sin(i) * (1 + (i % 7)));
    // a nested number lies at most half the widest step of the map, times its block's absmax, from what it was
    const map = [...dynamicMapValues].sort((a, b) => a - b);
    const half = Math.max(...map.slice(1).map((value, index) => (value - (map[index] as number)) / 2));
    for (const [inner, largestCode] of [
      [int8(), 127],
      [int4({ symmetric: false }), 15],
      [rowRange(), 255],
    ] as const) {
      const plain = inner.dequantize(inner.quantize(weights, [300, 64], context));
      const tensor = doubleQuant(inner).quantize(weights, [300, 64], context);
      const values = decodeTensor(tensor);
      const absmax = (name: string) =>
        Math.max(0, ...float32View(tensor.planes[name]?.data ?? new Uint8Array(0)));
      const bound = half * (largestCode * absmax('scalesNested') + absmax('offsetsNested'));
      values.forEach((value, index) => {
        expect(Math.abs(value - (plain[index] as number))).toBeLessThan(bound * 1.0001);
      });
      expect(tensor.format).toBe(`${inner.name}-dq`);
    }
  });

  test('an empty tensor has offset 0', () => {
    const tensor = doubleQuant(nf4()).quantize(new Float32Array(0), [0, 64], context);
    expect([...planeBytes(tensor, 'scalesOffset')]).toEqual([0, 0, 0, 0]);
  });

  test.each<[string, Quantizer]>([
    ['nested scales', doubleQuant(nf4())],
    ['no layout', twelveBit()],
  ])('refuses %s', (found, inner) => {
    const message = `expected a layout with plain F32 scales, found ${found}`;
    expect(() => doubleQuant(inner).layout([4, 64])).toThrow(message);
    expect(() => doubleQuant(inner).quantize(new Float32Array(256), [4, 64], context)).toThrow(message);
  });
});
