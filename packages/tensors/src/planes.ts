// The planes that a layout needs, computed from the layout and the shape: what is read from a file is measured against it.
//
// Shapes: M matrices, N rows, K columns, B block, G blocks of one matrix, P bytes of one matrix's codes. Codes run along
// the row-major elements of a matrix, whatever its blocks do, and start on a new byte at each matrix.
import type { DType } from './dtype.js';
import { byteLength, elementCount } from './dtype.js';
import { MoeqError } from './errors.js';
import type { BlockValues, Layout, PlaneName, QuantizedTensor } from './layout.js';
import { packedLength } from './pack.js';

export interface PlaneSpec {
  readonly name: PlaneName;
  readonly dtype: DType;
  readonly shape: number[];
  readonly bytes: number;
}

/** [M, N, K] of a shape [N, K] or [M, N, K]. @throws MoeqError when it has another rank or a size that is no count */
export function matrixShape(
  shape: readonly number[],
  subject = 'quantized tensor',
): [number, number, number] {
  const [matrices, rows, columns] = shape.length === 2 ? [1, ...shape] : shape;
  const counts = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!counts || shape.length > 3 || matrices === undefined || rows === undefined || columns === undefined) {
    throw new MoeqError({
      operation: 'read its shape',
      subject,
      expected: '[rows, columns] or [matrices, rows, columns]',
      found: JSON.stringify(shape),
    });
  }
  return [matrices, rows, columns];
}

/** G: the scales of one matrix [rows, columns]. */
export function blocksPerMatrix(layout: Layout, rows: number, columns: number): number {
  return layout.blocks === 'flat'
    ? Math.ceil((rows * columns) / layout.blockSize)
    : rows * Math.ceil(columns / layout.blockSize);
}

/**
 * Planes of a tensor of that layout and shape, codes first. Shapes have a leading M where the tensor has: codes [M, P],
 * scales, zeroPoints and offsets [M, G], nested ones [M, ceil(G / nested block)], nested offsets [M] in any case.
 * @param shape [N, K] or [M, N, K]
 * @throws MoeqError when the shape is neither
 */
export function planeSpecs(layout: Layout, shape: readonly number[]): PlaneSpec[] {
  const [matrices, rows, columns] = matrixShape(shape);
  const leading = shape.length === 3 ? [matrices] : [];
  const blocks = blocksPerMatrix(layout, rows, columns);
  const spec = (name: PlaneName, dtype: DType, planeShape: number[]): PlaneSpec => ({
    name,
    dtype,
    shape: planeShape,
    bytes: byteLength(dtype, planeShape),
  });
  const blockValues = (name: 'scales' | 'offsets', values: BlockValues): PlaneSpec[] => {
    if (values.kind === 'plain') return [spec(name, values.dtype, [...leading, blocks])];
    const nested = [...leading, Math.ceil(blocks / values.blockSize)];
    const planes = [spec(name, 'U8', [...leading, blocks]), spec(`${name}Nested`, values.dtype, nested)];
    return values.hasOffset ? [...planes, spec(`${name}Offset`, 'F32', [matrices])] : planes;
  };

  const codes = packedLength(rows * columns, layout.bitsPerCode, layout.order);
  const planes = [spec('codes', 'U8', [...leading, codes]), ...blockValues('scales', layout.scale)];
  const zero = layout.decode.kind === 'affine' ? layout.decode.zero : null;
  if (zero?.kind === 'zeroPoint') planes.push(spec('zeroPoints', 'U8', [...leading, blocks]));
  if (zero?.kind === 'offset') planes.push(...blockValues('offsets', zero.offset));
  return planes;
}

/** Bits stored for each weight, all planes counted, codebooks (a constant of the format) not. NaN for an empty tensor. */
export function bitsPerWeight(tensor: QuantizedTensor): number {
  const bytes = Object.values(tensor.planes).reduce((sum, plane) => sum + plane.data.byteLength, 0);
  return (bytes * 8) / elementCount(tensor.shape);
}
