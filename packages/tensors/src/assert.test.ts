import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assertQuantizedTensor } from './assert.js';
import { fromFloat32 } from './convert.js';
import type { Layout, Plane, QuantizedTensor } from './layout.js';
import { bitsPerWeight, blocksPerMatrix, planeSpecs } from './planes.js';
import { anyTensor } from './testkit/random-tensor.js';

const values = Float32Array.from({ length: 16 }, (_, i) => i / 15);
const nested = {
  kind: 'nested',
  codebook: new Float32Array(256),
  blockSize: 256,
  dtype: 'F32',
  hasOffset: true,
} as const;
const layout: Layout = {
  bitsPerCode: 4,
  order: 'highFirst',
  blockSize: 64,
  blocks: 'flat',
  decode: { kind: 'codebook', values },
  scale: nested,
};
const zeros = (shape: number[], use: Layout = layout): QuantizedTensor => ({
  format: 'nf4',
  shape,
  dtype: 'BF16',
  layout: use,
  planes: Object.fromEntries(
    planeSpecs(use, shape).map(({ name, dtype, bytes }) => [name, { dtype, data: new Uint8Array(bytes) }]),
  ),
});
const good = zeros([33, 100]);
const affine = (zero: Layout['decode'] & { kind: 'affine' }) => ({ ...layout, decode: zero });

describe('planeSpecs', () => {
  test('NF4 with double quantization, sizes as bitsandbytes writes them', () => {
    expect(planeSpecs(layout, [33, 100])).toEqual([
      { name: 'codes', dtype: 'U8', shape: [1650], bytes: 1650 },
      { name: 'scales', dtype: 'U8', shape: [52], bytes: 52 },
      { name: 'scalesNested', dtype: 'F32', shape: [1], bytes: 4 },
      { name: 'scalesOffset', dtype: 'F32', shape: [1], bytes: 4 },
    ]);
  });

  test('each matrix of a fused tensor begins anew', () => {
    expect(planeSpecs({ ...layout, order: 'splitHalves' }, [3, 5, 7]).map(({ shape }) => shape)).toEqual([
      [3, 32],
      [3, 1],
      [3, 1],
      [3],
    ]);
    expect(planeSpecs(layout, [3, 5, 7])[0]?.shape).toEqual([3, 18]);
  });

  test('planes that hold zero points and offsets', () => {
    const names = (zero: Layout['decode'] & { kind: 'affine' }) =>
      planeSpecs(affine(zero), [2, 64]).map(({ name }) => name);
    expect(names({ kind: 'affine', zero: { kind: 'zeroPoint' } }).at(-1)).toBe('zeroPoints');
    expect(
      names({ kind: 'affine', zero: { kind: 'offset', offset: { ...nested, hasOffset: false } } }).slice(-2),
    ).toEqual(['offsets', 'offsetsNested']);
  });

  test('blocks: flat ones run across row ends, row ones do not', () => {
    expect(blocksPerMatrix(layout, 33, 100)).toBe(52);
    expect(blocksPerMatrix({ ...layout, blocks: 'row' }, 33, 100)).toBe(66);
    expect(blocksPerMatrix(layout, 0, 100)).toBe(0);
  });

  test('shapes that are none', () => {
    for (const shape of [[], [5], [1, 2, 3, 4], [-1, 2], [1.5, 2], [Number.NaN, 1]]) {
      expect(() => planeSpecs(layout, shape)).toThrow(/\[rows, columns\] or \[matrices, rows, columns\]/);
    }
  });
});

describe('bitsPerWeight', () => {
  test('counts scales of every level', () => {
    const planes = { ...zeros([256, 256]).planes };
    expect(bitsPerWeight({ ...good, shape: [256, 256], planes })).toBe(
      4 + 8 / 64 + 32 / 64 / 256 + 32 / 65536,
    );
    const single: Layout = { ...layout, scale: { kind: 'plain', dtype: 'F32', multiplier: 1 } };
    expect(bitsPerWeight(zeros([256, 256], single))).toBe(4.5);
  });
});

describe('assertQuantizedTensor', () => {
  test('law: every tensor made of planes of the specified sizes passes', () => {
    fc.assert(
      fc.property(anyTensor, (tensor) => {
        expect(() => assertQuantizedTensor(tensor, 'x')).not.toThrow();
      }),
    );
  });

  const plane = (name: string, change: Partial<Plane>): QuantizedTensor => {
    const before = good.planes[name] ?? { dtype: 'U8', data: new Uint8Array(0) };
    return { ...good, planes: { ...good.planes, [name]: { ...before, ...change } } };
  };
  const withLayout = (change: Record<string, unknown>): QuantizedTensor => ({
    ...good,
    layout: { ...layout, ...change } as unknown as Layout,
  });
  const f32 = (...numbers: number[]) => fromFloat32(Float32Array.from(numbers), 'F32');
  const { scalesNested: _, ...lacking } = good.planes;

  test.each<[name: string, tensor: QuantizedTensor, message: RegExp]>([
    [
      'a plane too short',
      plane('codes', { data: new Uint8Array(1649) }),
      /plane codes U8 \[1650\] of 1650 bytes, found U8 of 1649/,
    ],
    ['a plane too long', plane('scales', { data: new Uint8Array(53) }), /plane scales/],
    ['another dtype', plane('scalesNested', { dtype: 'I32' }), /plane scalesNested F32 .* found I32/],
    ['an unknown dtype', plane('scales', { dtype: 'X' as 'U8' }), /known dtype of plane "scales", found "X"/],
    [
      'a missing plane',
      { ...good, planes: lacking },
      /plane scalesNested, found planes codes, scales, scalesOffset/,
    ],
    ['no planes', { ...good, planes: {} }, /plane codes, found planes none/],
    ['a plane too many', plane('zeroPoints', {}), /planes codes, .* only, found "zeroPoints"/],
    [
      'NaN in nested scales',
      plane('scalesNested', { data: f32(Number.NaN) }),
      /finite numbers in plane scalesNested, found NaN or infinity at 0/,
    ],
    [
      'infinity in offsets',
      plane('scalesOffset', { data: f32(Number.NEGATIVE_INFINITY) }),
      /plane scalesOffset/,
    ],
    ['bits', withLayout({ bitsPerCode: 3 }), /bitsPerCode 4 or 8/],
    ['an order', withLayout({ order: 'middle' }), /known order of codes, found "middle"/],
    ['an order of 8 bits', withLayout({ bitsPerCode: 8, order: 'highFirst' }), /lowFirst of 8-bit codes/],
    ['blocks', withLayout({ blocks: 'column' }), /blocks flat or row/],
    ['a block size 0', withLayout({ blockSize: 0 }), /blockSize of 1 or more/],
    ['a block size NaN', withLayout({ blockSize: Number.NaN }), /blockSize of 1 or more/],
    ['a decode', withLayout({ decode: { kind: 'magic' } }), /decode codebook or affine/],
    [
      'a short codebook',
      withLayout({ decode: { kind: 'codebook', values: values.subarray(1) } }),
      /codebook of 16 values, found 15/,
    ],
    [
      'a codebook with NaN',
      withLayout({ decode: { kind: 'codebook', values: values.map((v, i) => (i === 3 ? Number.NaN : v)) } }),
      /finite codebook, found NaN at code 3/,
    ],
    ['a zero', withLayout({ decode: { kind: 'affine', zero: { kind: 'odd' } } }), /zero signed, constant/],
    [
      'a constant zero past the codes',
      withLayout({ decode: { kind: 'affine', zero: { kind: 'constant', value: 16 } } }),
      /from 0 to 15, found "16"/,
    ],
    ['a scale', withLayout({ scale: { kind: 'none' } }), /scale plain or nested/],
    [
      'a dtype of scales',
      withLayout({ scale: { kind: 'plain', dtype: 'U8', multiplier: 1 } }),
      /scale F32, F16, BF16 or F8_E8M0/,
    ],
    [
      'a multiplier',
      withLayout({ scale: { kind: 'plain', dtype: 'F32', multiplier: Number.NaN } }),
      /finite multiplier/,
    ],
    [
      'a nested block size',
      withLayout({ scale: { ...nested, blockSize: -1 } }),
      /nested blockSize of the scale/,
    ],
    [
      'a nested codebook',
      withLayout({ scale: { ...nested, codebook: values } }),
      /nested codebook of the scale of 256 values/,
    ],
    ['a shape', { ...good, shape: [3300] }, /\[rows, columns\]/],
  ])('refuses %s', (_name, tensor, message) => {
    expect(() => assertQuantizedTensor(tensor, 'w')).toThrow(message);
    expect(() => assertQuantizedTensor(tensor, 'w')).toThrow(/^w: cannot read /);
  });

  test.each([
    ['F16', Uint8Array.of(0, 0x7c, 0, 0)],
    ['BF16', Uint8Array.of(0x80, 0xff, 0, 0)],
    ['F8_E8M0', Uint8Array.of(0, 255)],
  ] as const)('refuses %s scales that are not finite', (dtype, data) => {
    const use: Layout = { ...layout, scale: { kind: 'plain', dtype, multiplier: 1 } };
    const tensor = zeros([2, 64], use);
    assertQuantizedTensor(tensor, 'w');
    const bad = { ...tensor, planes: { ...tensor.planes, scales: { dtype, data } } };
    expect(() => assertQuantizedTensor(bad, 'w')).toThrow(/finite numbers in plane scales/);
  });

  test('refuses finite scales that give infinite weights', () => {
    const most = fromFloat32(Float32Array.of(3.4028234663852886e38), 'F32');
    const withScales = (use: Layout, planes: Record<string, Uint8Array>): QuantizedTensor => {
      const tensor = zeros([1, 64], use);
      const changed = Object.entries(planes).map(([name, data]) => [name, { dtype: 'F32' as const, data }]);
      return { ...tensor, planes: { ...tensor.planes, ...Object.fromEntries(changed) } };
    };
    const plain = (multiplier: number) => ({ kind: 'plain', dtype: 'F32', multiplier }) as const;
    const nestedOnes = { ...nested, codebook: new Float32Array(256).fill(1) };
    const signed = affine({ kind: 'affine', zero: { kind: 'signed' } });
    const check = (tensor: QuantizedTensor) => () => assertQuantizedTensor(tensor, 'w');
    const message =
      /w: cannot read as nf4: expected weights that float32 holds, found scales of up to 6\.81e\+38/;
    expect(
      check(withScales({ ...layout, scale: nestedOnes }, { scalesNested: most, scalesOffset: most })),
    ).toThrow(message);
    expect(check(withScales({ ...layout, scale: plain(-2) }, { scales: most }))).toThrow(message);
    const large = { kind: 'codebook', values: values.map((value) => -2 * value) } as const;
    expect(check(withScales({ ...layout, decode: large, scale: plain(1) }, { scales: most }))).toThrow(
      '3.40e+38',
    );
    expect(check(withScales({ ...signed, scale: plain(1) }, { scales: most }))).toThrow('3.40e+38');
    // the largest weights there are
    check(withScales({ ...layout, scale: nestedOnes }, { scalesNested: most }))();
    check(withScales({ ...layout, scale: plain(1) }, { scales: most }))();
    check(withScales({ ...signed, scale: plain(1 / 7) }, { scales: most }))();
  });

  test('takes scales that are zero, negative or subnormal', () => {
    const use: Layout = { ...layout, blockSize: 1, scale: { kind: 'plain', dtype: 'F32', multiplier: 1 } };
    const tensor = zeros([1, 4], use);
    const data = fromFloat32(Float32Array.of(0, -0, -1, 1e-45), 'F32');
    const scaled = { ...tensor, planes: { ...tensor.planes, scales: { dtype: 'F32' as const, data } } };
    expect(() => assertQuantizedTensor(scaled, 'w')).not.toThrow();
  });

  test('refuses zero points past the codes, in 4 bits', () => {
    const use = affine({ kind: 'affine', zero: { kind: 'zeroPoint' } });
    const tensor = zeros([1, 128], use);
    const planes = { ...tensor.planes, zeroPoints: { dtype: 'U8' as const, data: Uint8Array.of(15, 16) } };
    expect(() => assertQuantizedTensor({ ...tensor, planes }, 'w')).toThrow('zero points below 16, found 16');
  });

  test('without a layout the planes are their quantizer’s affair', () => {
    const planes = { mine: { dtype: 'F64' as const, data: new Uint8Array(3) } };
    expect(() => assertQuantizedTensor({ ...good, layout: null, planes }, 'w')).not.toThrow();
  });
});
