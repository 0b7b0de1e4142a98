// Quantized tensors of every layout there is, with random planes, and what they decode to, worked out element by element
// in double precision from the definition in layout.ts. It shares no code with the decoder beyond the planes' sizes.
import fc from 'fast-check';
import { fromFloat32, toFloat32 } from '../convert.js';
import type { DType } from '../dtype.js';
import type { BlockValues, CodeOrder, Decode, Layout, Plane, QuantizedTensor } from '../layout.js';
import { planeSpecs } from '../planes.js';

const number = fc.integer({ min: -1000, max: 1000 }).map((value) => Math.fround(value / 700));
const codebook = (length: number) =>
  fc.array(number, { minLength: length, maxLength: length }).map((values) => Float32Array.from(values));

const plain: fc.Arbitrary<BlockValues> = fc.record({
  kind: fc.constant('plain' as const),
  dtype: fc.constantFrom('F32', 'F16', 'BF16', 'F8_E8M0'),
  multiplier: fc.constantFrom(1, 1 / 127, -0.3),
});
const nested: fc.Arbitrary<BlockValues> = fc.record({
  kind: fc.constant('nested' as const),
  codebook: codebook(256),
  blockSize: fc.constantFrom(1, 2, 3, 7, 256),
  dtype: fc.constantFrom('F32', 'F16', 'BF16'),
  hasOffset: fc.boolean(),
});
const blockValues = fc.oneof(plain, nested);

function decodes(bits: 4 | 8): fc.Arbitrary<Decode> {
  const zero = fc.oneof(
    fc.constant({ kind: 'signed' as const }),
    fc.record({ kind: fc.constant('constant' as const), value: fc.integer({ min: 0, max: 2 ** bits - 1 }) }),
    fc.constant({ kind: 'zeroPoint' as const }),
    fc.record({ kind: fc.constant('offset' as const), offset: blockValues }),
  );
  return fc.oneof(
    fc.record({ kind: fc.constant('codebook' as const), values: codebook(2 ** bits) }),
    fc.record({ kind: fc.constant('affine' as const), zero }),
  );
}

const orders: CodeOrder[] = ['highFirst', 'lowFirst', 'splitHalves'];

/** Any layout. */
const anyLayout: fc.Arbitrary<Layout> = fc.constantFrom<(4 | 8)[]>(4, 8).chain((bits) =>
  fc.record({
    bitsPerCode: fc.constant(bits),
    order: bits === 8 ? fc.constant('lowFirst' as const) : fc.constantFrom(...orders),
    blockSize: fc.constantFrom(1, 2, 3, 5, 8, 16, 32, 64),
    blocks: fc.constantFrom('flat' as const, 'row' as const),
    decode: decodes(bits),
    scale: blockValues,
  }),
);

const anyShape: fc.Arbitrary<number[]> = fc.oneof(
  fc.tuple(fc.integer({ min: 0, max: 6 }), fc.integer({ min: 0, max: 70 })),
  fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40 })),
);

/** Bytes of a plane from a stream of random words; floats are finite, zero points below 2^bits. */
function randomPlane(name: string, dtype: DType, bytes: number, bits: 4 | 8, word: () => number): Plane {
  if (dtype === 'U8') {
    const most = name === 'zeroPoints' ? 2 ** bits : 256;
    return { dtype, data: Uint8Array.from({ length: bytes }, () => word() % most) };
  }
  if (dtype === 'F8_E8M0')
    return { dtype, data: Uint8Array.from({ length: bytes }, () => 120 + (word() % 14)) };
  const count = bytes / (dtype === 'F32' ? 4 : 2);
  return {
    dtype,
    data: fromFloat32(
      Float32Array.from({ length: count }, () => word() / 2 ** 31 - 1),
      dtype,
    ),
  };
}

/** A tensor with random planes, planes at odd addresses included. */
function randomTensor(layout: Layout, shape: readonly number[], seed: number): QuantizedTensor {
  let state = seed >>> 0;
  const word = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    // the low bits of such a generator repeat early
    return (state ^ (state >>> 15)) >>> 0;
  };
  const planes = planeSpecs(layout, shape).map(({ name, dtype, bytes }) => {
    const { data } = randomPlane(name, dtype, bytes, layout.bitsPerCode, word);
    const moved = new Uint8Array(data.length + 8).subarray(seed % 8, (seed % 8) + data.length);
    moved.set(data);
    return [name, { dtype, data: moved }] as const;
  });
  return { format: 'random', shape, dtype: 'F32', layout, planes: Object.fromEntries(planes) };
}

export const anyTensor: fc.Arbitrary<QuantizedTensor> = fc
  .tuple(anyLayout, anyShape, fc.nat())
  .map(([layout, shape, seed]) => randomTensor(layout, shape, seed));

/** Element [matrix, row, column] by the definition, one plane byte at a time. */
function referenceElement(tensor: QuantizedTensor, matrix: number, row: number, column: number): number {
  const layout = tensor.layout as Layout;
  const columns = tensor.shape.at(-1) as number;
  const { bitsPerCode, order, blockSize, blocks, decode } = layout;
  const plane = (name: string) => tensor.planes[name]?.data ?? new Uint8Array();
  const matrices = tensor.shape.length === 3 ? (tensor.shape[0] as number) : 1;
  const own = (data: Uint8Array) =>
    data.subarray((matrix * data.length) / matrices, ((matrix + 1) * data.length) / matrices);

  const element = row * columns + column;
  const codes = own(plane('codes'));
  const code = (() => {
    if (bitsPerCode === 8) return codes[element] as number;
    if (order === 'splitHalves') {
      const byte = codes[Math.floor(element / 32) * 16 + (element % 16)] as number;
      return element % 32 < 16 ? byte % 16 : Math.floor(byte / 16);
    }
    const byte = codes[Math.floor(element / 2)] as number;
    return (element % 2 === 0) === (order === 'highFirst') ? Math.floor(byte / 16) : byte % 16;
  })();
  const block =
    blocks === 'flat'
      ? Math.floor(element / blockSize)
      : row * Math.ceil(columns / blockSize) + Math.floor(column / blockSize);

  const elementOf = (name: string, values: BlockValues): number => {
    const floats = (planeName: string, dtype: DType) => toFloat32(own(plane(planeName)), dtype);
    if (values.kind === 'plain') return floats(name, values.dtype)[block] as number;
    const nestedScale = floats(`${name}Nested`, values.dtype)[Math.floor(block / values.blockSize)] as number;
    const number = Math.fround((values.codebook[own(plane(name))[block] as number] as number) * nestedScale);
    return values.hasOffset ? Math.fround(number + (floats(`${name}Offset`, 'F32')[0] as number)) : number;
  };
  const multiplied = (number: number, values: BlockValues) =>
    values.kind === 'plain' ? Math.fround(number * Math.fround(values.multiplier)) : number;

  const zero = decode.kind === 'affine' ? decode.zero : null;
  const signed = code >= 2 ** (bitsPerCode - 1) ? code - 2 ** bitsPerCode : code;
  const table =
    decode.kind === 'codebook' ? (decode.values[code] as number) : zero?.kind === 'signed' ? signed : code;
  const subtracted =
    zero?.kind === 'constant'
      ? zero.value
      : zero?.kind === 'zeroPoint'
        ? (own(plane('zeroPoints'))[block] as number)
        : 0;
  const scaled = Math.fround((table - subtracted) * elementOf('scales', layout.scale));
  const value = multiplied(scaled, layout.scale);
  if (zero?.kind !== 'offset') return value;
  return Math.fround(value + multiplied(elementOf('offsets', zero.offset), zero.offset));
}

/** A whole tensor by `referenceElement`. */
export function referenceDecode(tensor: QuantizedTensor): Float32Array {
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  const matrices = tensor.shape.length === 3 ? (tensor.shape[0] as number) : 1;
  return Float32Array.from({ length: matrices * rows * columns }, (_, i) => {
    const inMatrix = i % (rows * columns);
    return referenceElement(
      tensor,
      Math.floor(i / (rows * columns)),
      Math.floor(inMatrix / columns),
      inMatrix % columns,
    );
  });
}
