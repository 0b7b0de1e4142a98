// Parts of tensors, as views of the same bytes. One expert of a fused tensor, or consecutive rows of a matrix.
import { byteLength, bytesPerElement } from './dtype.js';
import { MoeqError } from './errors.js';
import type { BlockValues, Layout, Plane, QuantizedTensor } from './layout.js';
import type { Tensor } from './tensor.js';

export function isQuantized(tensor: Tensor | QuantizedTensor): tensor is QuantizedTensor {
  return 'planes' in tensor;
}

function refuse(
  operation: string,
  tensor: Tensor | QuantizedTensor,
  expected: string,
  found?: string,
): never {
  throw new MoeqError({
    operation,
    subject: isQuantized(tensor) ? `${tensor.format} tensor` : `${tensor.dtype} tensor`,
    expected,
    found: found ?? `shape ${JSON.stringify(tensor.shape)}`,
  });
}

/**
 * Matrix `index` [N, K] of a fused tensor [M, N, K], plain or quantized, without a copy.
 * @throws MoeqError when the tensor has no such matrix
 */
export function sliceMatrix<T extends Tensor | QuantizedTensor>(tensor: T, index: number): T {
  const [matrices = 0, ...shape] = tensor.shape;
  if (tensor.shape.length !== 3 || !(Number.isInteger(index) && index >= 0 && index < matrices)) {
    refuse(`take matrix ${index}`, tensor, `[matrices, rows, columns] with more than ${index} matrices`);
  }
  const part = (data: Uint8Array) => {
    const bytes = data.byteLength / matrices;
    if (!Number.isInteger(bytes))
      refuse('cut into matrices', tensor, `a multiple of ${matrices} bytes`, `${data.byteLength}`);
    return data.subarray(index * bytes, (index + 1) * bytes);
  };
  if (!isQuantized(tensor)) return { ...tensor, shape, data: part(tensor.data) };
  return { ...tensor, shape, planes: mapPlanes(tensor, (_, plane) => part(plane.data)) };
}

/**
 * Rows `first` to `first + count` of a matrix [N, K], plain or quantized, without a copy.
 * @throws MoeqError when the rows are not in the matrix, or a byte, a block or a nested block holds elements of rows in
 *   and out of the slice
 */
export function sliceRows<T extends Tensor | QuantizedTensor>(tensor: T, first: number, count: number): T {
  const [rows = 0, columns = 0] = tensor.shape;
  const end = first + count;
  const operation = `take rows ${first} to ${end}`;
  const counts = Number.isInteger(first) && Number.isInteger(count) && first >= 0 && count >= 0;
  if (tensor.shape.length !== 2 || !counts || end > rows) refuse(operation, tensor, 'a matrix that has them');
  const shape = [count, columns];
  if (!isQuantized(tensor)) {
    const row = byteLength(tensor.dtype, [columns]);
    return { ...tensor, shape, data: tensor.data.subarray(first * row, end * row) };
  }
  const { layout } = tensor;
  if (layout === null) return refuse(operation, tensor, 'a layout', 'none');

  /** Units of `size` elements up to row `row`; what lies at a slice's edge has to be whole there. */
  const unitsTo = (row: number, size: number, what: string): number => {
    const units = (row * columns) / size;
    if (Number.isInteger(units)) return units;
    if (row === rows) return Math.ceil(units);
    return refuse(
      operation,
      tensor,
      `${what} that end with row ${row - 1}`,
      `${what} of ${size} elements across it`,
    );
  };
  const blocksTo = (row: number): number =>
    layout.blocks === 'row'
      ? row * Math.ceil(columns / layout.blockSize)
      : unitsTo(row, layout.blockSize, 'blocks');
  const nestedTo = (row: number, size: number): number => {
    const groups = blocksTo(row) / size;
    if (Number.isInteger(groups)) return groups;
    if (row === rows) return Math.ceil(groups);
    return refuse(
      operation,
      tensor,
      `nested blocks that end with row ${row - 1}`,
      `nested blocks of ${size} blocks across it`,
    );
  };
  const codeGroup = layout.bitsPerCode === 8 ? 1 : layout.order === 'splitHalves' ? 32 : 2;
  const bytesPerGroup = layout.bitsPerCode === 8 ? 1 : codeGroup / 2;
  const codesTo = (row: number) => unitsTo(row, codeGroup, 'bytes of codes') * bytesPerGroup;

  const cut = (name: string, { dtype, data }: Plane): Uint8Array => {
    const part = (to: (row: number) => number) =>
      data.subarray(to(first) * bytesPerElement(dtype), to(end) * bytesPerElement(dtype));
    if (name === 'codes') return part(codesTo);
    if (name.endsWith('Offset')) return data;
    const nested = name.endsWith('Nested') ? nestedOf(layout, name) : null;
    return part(nested === null ? blocksTo : (row) => nestedTo(row, nested.blockSize));
  };
  return { ...tensor, shape, planes: mapPlanes(tensor, cut) };
}

/** The double quantization that plane `scalesNested` or `offsetsNested` belongs to. */
function nestedOf({ scale, decode }: Layout, name: string): (BlockValues & { kind: 'nested' }) | null {
  const offset = decode.kind === 'affine' && decode.zero.kind === 'offset' ? decode.zero.offset : null;
  const values = name === 'scalesNested' ? scale : offset;
  return values?.kind === 'nested' ? values : null;
}

function mapPlanes(
  tensor: QuantizedTensor,
  cut: (name: string, plane: Plane) => Uint8Array,
): Record<string, Plane> {
  return Object.fromEntries(
    Object.entries(tensor.planes).map(([name, plane]) => [
      name,
      { dtype: plane.dtype, data: cut(name, plane) },
    ]),
  );
}
