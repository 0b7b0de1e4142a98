import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { fromFloat32 } from './convert.js';
import { decodeRows, decodeTensor } from './decode.js';
import { elementCount } from './dtype.js';
import type { Layout, QuantizedTensor } from './layout.js';
import { packCodes } from './pack.js';
import { sliceMatrix } from './slice.js';
import { anyTensor, referenceDecode } from './testkit/random-tensor.js';

const f32 = (...values: number[]) => ({
  dtype: 'F32' as const,
  data: fromFloat32(Float32Array.from(values), 'F32'),
});
const u8 = (...data: number[]) => ({ dtype: 'U8' as const, data: Uint8Array.from(data) });
const plain = { kind: 'plain', dtype: 'F32', multiplier: 1 } as const;

function tensor(
  layout: Partial<Layout>,
  shape: number[],
  planes: QuantizedTensor['planes'],
): QuantizedTensor {
  const full: Layout = {
    bitsPerCode: 4,
    order: 'lowFirst',
    blockSize: 2,
    blocks: 'flat',
    decode: { kind: 'affine', zero: { kind: 'signed' } },
    scale: plain,
    ...layout,
  };
  return { format: 'test', shape, dtype: 'F32', layout: full, planes };
}

describe('hand values', () => {
  test('signed 4-bit codes, blocks across row ends and a short last block', () => {
    const codes = { dtype: 'U8' as const, data: packCodes(Uint8Array.of(0, 7, 8, 15, 1), 4, 'lowFirst') };
    const decoded = decodeTensor(tensor({}, [1, 5], { codes, scales: f32(1, 2, 0.5) }));
    expect([...decoded]).toEqual([0, 7, -16, -2, 0.5]);
  });

  test('row blocks restart at each row', () => {
    const planes = { codes: u8(1, 2, 3, 4, 5, 6), scales: f32(1, 10, 100, 1000) };
    const layout = { bitsPerCode: 8, blocks: 'row' } as const;
    expect([...decodeTensor(tensor(layout, [2, 3], planes))]).toEqual([1, 2, 30, 400, 500, 6000]);
    const flat = { codes: u8(1, 2, 3, 4, 5, 6), scales: f32(1, 10, 100) };
    expect([...decodeTensor(tensor({ bitsPerCode: 8 }, [2, 3], flat))]).toEqual([1, 2, 30, 40, 500, 600]);
  });

  test('a codebook, a constant zero, a zero point a block, and an offset a block', () => {
    const values = Float32Array.from({ length: 16 }, (_, i) => i / 4);
    const codes = u8(0x21, 0x43);
    const decode = (layout: Partial<Layout>, planes: QuantizedTensor['planes'] = {}) => [
      ...decodeTensor(tensor(layout, [1, 4], { codes, scales: f32(2, 3), ...planes })),
    ];
    expect(decode({ decode: { kind: 'codebook', values } })).toEqual([0.5, 1, 2.25, 3]);
    expect(decode({ decode: { kind: 'affine', zero: { kind: 'constant', value: 2 } } })).toEqual([
      -2, 0, 3, 6,
    ]);
    expect(
      decode({ decode: { kind: 'affine', zero: { kind: 'zeroPoint' } } }, { zeroPoints: u8(1, 4) }),
    ).toEqual([0, 2, -3, 0]);
    const offset: Layout['decode'] = { kind: 'affine', zero: { kind: 'offset', offset: plain } };
    expect(decode({ decode: offset }, { offsets: f32(0.5, -1) })).toEqual([2.5, 4.5, 8, 11]);
  });

  test('double quantization of the example in bitsandbytes: absmax [1, 2, 3, 6]', () => {
    // the dynamic map at the codes that occur
    const codebook = new Float32Array(256);
    for (const [code, value] of [
      [23, -0.6695312261581421],
      [47, -0.33203125],
      [127, 0],
      [255, 1],
    ] as const) {
      codebook[code] = value;
    }
    const scale = { kind: 'nested', codebook, blockSize: 256, dtype: 'F32', hasOffset: true } as const;
    const decoded = decodeTensor(
      tensor({ blockSize: 1, scale }, [1, 4], {
        codes: u8(0x11, 0x11),
        scales: u8(23, 47, 127, 255),
        scalesNested: f32(3),
        scalesOffset: f32(3),
      }),
    );
    expect([...decoded]).toEqual([Math.fround(0.99140644), 2.00390625, 3, 6]);
  });

  test('LLM.int8: code times SCB, rounded, times 1/127', () => {
    const scale = { ...plain, multiplier: 1 / 127 };
    const codes = u8(127, 0xc0, 32, 0);
    const layout = { bitsPerCode: 8, blockSize: 4, blocks: 'row', scale } as const;
    const scb = Math.fround(0.7);
    const expected = [127, -64, 32, 0].map((code) =>
      Math.fround(Math.fround(code * scb) * Math.fround(1 / 127)),
    );
    expect([...decodeTensor(tensor(layout, [1, 4], { codes, scales: f32(scb) }))]).toEqual(expected);
  });
});

describe('laws', () => {
  test('any layout decodes to what its definition says, element by element', () => {
    fc.assert(
      fc.property(anyTensor, (random) => {
        expect(decodeTensor(random)).toEqual(referenceDecode(random));
      }),
      { numRuns: 500 },
    );
  });

  test('rows of a slice are rows of the whole', () => {
    fc.assert(
      fc.property(anyTensor, fc.nat(), fc.nat(), (random, a, b) => {
        const whole = decodeTensor(random);
        const [rows, columns] = random.shape.slice(-2) as [number, number];
        const matrices = random.shape.length === 3 ? (random.shape[0] as number) : 1;
        const index = a % matrices;
        const matrix = random.shape.length === 3 ? sliceMatrix(random, index) : random;
        const first = a % (rows + 1);
        const count = b % (rows - first + 1);
        const out = decodeRows(matrix, first, count, new Float32Array(count * columns));
        const start = (index * rows + first) * columns;
        expect(out).toEqual(whole.subarray(start, start + out.length));
      }),
      { numRuns: 500 },
    );
  });

  test('an output that is given is written and returned', () => {
    fc.assert(
      fc.property(anyTensor, (random) => {
        const out = new Float32Array(elementCount(random.shape));
        expect(decodeTensor(random, out)).toBe(out);
        expect(out).toEqual(decodeTensor(random));
      }),
    );
  });
});

describe('refused', () => {
  const good = tensor({}, [2, 2], { codes: u8(0, 0), scales: f32(1, 1) });

  test('outputs of another length, and rows that are not there', () => {
    expect(() => decodeTensor(good, new Float32Array(3))).toThrow('4 elements of room, found 3');
    expect(() => decodeRows(good, 0, 1, new Float32Array(3))).toThrow('2 elements of room, found 3');
    for (const [first, count] of [
      [1, 2],
      [-1, 1],
      [Number.NaN, 1],
      [0, -1],
      [0.5, 1],
    ] as const) {
      expect(() => decodeRows(good, first, count, new Float32Array(2))).toThrow(/a matrix that has them/);
    }
    const fused = tensor({}, [1, 2, 2], { codes: u8(0, 0), scales: f32(1, 1) });
    expect(() => decodeRows(fused, 0, 1, new Float32Array(2))).toThrow(/a matrix that has them/);
  });

  test('a tensor without a layout, or against it', () => {
    expect(() => decodeTensor({ ...good, layout: null })).toThrow(/only its own quantizer/);
    expect(() => decodeTensor({ ...good, shape: [2, 3] })).toThrow(
      /plane codes U8 \[3\] of 3 bytes, found U8 of 2/,
    );
  });
});
