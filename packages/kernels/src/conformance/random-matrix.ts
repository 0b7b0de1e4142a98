// A random matrix of any dtype or layout, with the numbers that it stands for. No quantizer is involved: codes, scales and
// zeros are drawn, their planes written, and the numbers computed from what was drawn, in float64, by the definition of a
// layout: value = decode(code) * scale (+ offset).
//
// Shapes: N rows, K columns, B block, G blocks.
import type { FloatDType, Layout } from '@moeq/tensors';
import { planeSpecs } from '@moeq/tensors';
import type { MatrixData } from '../resources.js';
import { randomBlockValues } from './block-values.js';
import type { Random } from './random.js';
import { storeNumbers } from './stored-numbers.js';

export interface RandomMatrix {
  readonly data: MatrixData;
  readonly rows: number;
  readonly columns: number;
  /** Float64 [N, K] */
  readonly values: Float64Array;
}

/** Numbers of about K^-0.5, so that products with normal activations are about 1. */
export function randomMatrix(
  layout: Layout | FloatDType,
  shape: readonly [rows: number, columns: number],
  random: Random,
): RandomMatrix {
  const [rows, columns] = shape;
  if (typeof layout !== 'string') return randomQuantized(layout, rows, columns, random);
  const { numbers, data } = storeNumbers(random.normals(rows * columns, columns ** -0.5), layout);
  return { data: { dtype: layout, shape, data }, rows, columns, values: numbers };
}

function randomQuantized(layout: Layout, rows: number, columns: number, random: Random): RandomMatrix {
  const { bitsPerCode, blockSize, blocks, decode } = layout;
  const count = rows * columns;
  const codes = Uint8Array.from({ length: count }, () => random.integer(2 ** bitsPerCode));
  const specs = planeSpecs(layout, [rows, columns]);
  const bytesOf = (name: string) => specs.find((spec) => spec.name === name)?.bytes ?? 0;
  const packed = pack(codes, layout, bytesOf('codes'));
  const blocksOfRow = Math.ceil(columns / blockSize);
  const blockOf = (row: number, column: number): number =>
    blocks === 'flat'
      ? Math.floor((row * columns + column) / blockSize)
      : row * blocksOfRow + Math.floor(column / blockSize);
  const blockCount = blockOf(rows - 1, columns - 1) + 1;

  const zero = decode.kind === 'affine' ? decode.zero : null;
  const half = 2 ** (bitsPerCode - 1);
  const spread = decode.kind === 'codebook' ? rms(decode.values) : half * Math.sqrt(1 / 3);
  const typicalScale = columns ** -0.5 / spread;
  const scales = randomBlockValues(
    'scales',
    layout.scale,
    blockCount,
    typicalScale,
    zero?.kind !== 'offset',
    random,
  );
  const zeroPoints = Uint8Array.from({ length: zero?.kind === 'zeroPoint' ? blockCount : 0 }, () =>
    random.integer(2 * half),
  );
  const offsets =
    zero?.kind === 'offset'
      ? randomBlockValues('offsets', zero.offset, blockCount, -half * typicalScale, false, random)
      : null;

  const values = new Float64Array(count);
  for (let row = 0; row < rows; row++) {
    for (let column = 0; column < columns; column++) {
      const i = row * columns + column;
      const block = blockOf(row, column);
      const code = codes[i] as number;
      const decoded = decode.kind === 'codebook' ? (decode.values[code] as number) : decodeInteger(code);
      values[i] =
        (decoded - (zeroPoints[block] ?? 0)) * (scales.numbers[block] as number) +
        (offsets?.numbers[block] ?? 0);
    }
  }
  function decodeInteger(code: number): number {
    if (zero?.kind === 'signed') return code < half ? code : code - 2 * half;
    return zero?.kind === 'constant' ? code - zero.value : code;
  }

  const planes = {
    codes: { dtype: 'U8' as const, data: packed },
    ...scales.planes,
    ...(zero?.kind === 'zeroPoint' && { zeroPoints: { dtype: 'U8' as const, data: zeroPoints } }),
    ...offsets?.planes,
  };
  return {
    data: { format: 'random', shape: [rows, columns], dtype: 'F32', layout, planes },
    rows,
    columns,
    values,
  };
}

/** Codes to bytes, element by element, from the definition of the orders; unused nibbles are random-free zeros. */
function pack(codes: Uint8Array, { bitsPerCode, order }: Layout, bytes: number): Uint8Array {
  if (bitsPerCode === 8) return codes.slice();
  const packed = new Uint8Array(bytes);
  codes.forEach((code, i) => {
    const byte = order === 'splitHalves' ? 16 * Math.floor(i / 32) + (i % 16) : Math.floor(i / 2);
    const high = order === 'splitHalves' ? i % 32 >= 16 : order === 'highFirst' ? i % 2 === 0 : i % 2 === 1;
    packed[byte] = (packed[byte] as number) | (high ? code << 4 : code);
  });
  return packed;
}

function rms(values: Float32Array): number {
  return Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);
}
