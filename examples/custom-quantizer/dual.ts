// A quantizer whose format no layout describes: every weight has the scale of its block and the scale of its column, as in
// SINQ (arXiv 2509.22944), whose Sinkhorn-Knopp iteration evens the deviations of rows and columns out, so that an outlier
// costs the other weights of its block less. weight = (code - 8) · blockScale · columnScale; 4 bits and 16 for each 64, and
// 16 a column.
import type { GpuFormat, Quantizer } from '@moeq/quantizers';
import {
  fromFloat32,
  MoeqError,
  packCodes,
  type QuantizedTensor,
  toFloat32,
  unpackCodes,
} from '@moeq/tensors';
import { evenColumns } from './even-columns.ts';

/** Columns of a row that share a scale; the last block of a row may have fewer. */
const blockSize = 64;

/** What is between two codes of 4 bits around 8, for the largest weight of a block. */
const largestCode = 7;

/** Reads one element on a GPU: the same as `dequantize`, of the same planes. */
const gpu: GpuFormat = {
  planes: ['codes', 'blockScales', 'columnScales'],
  wgsl: `
fn element(at: Planes, row: u32, column: u32, columns: u32) -> f32 {
  let index = row * columns + column;
  let code = (byteAt(at.codes + index / 2u) >> (4u * (index % 2u))) & 15u;
  let block = row * ((columns + ${blockSize - 1}u) / ${blockSize}u) + column / ${blockSize}u;
  let scale = bfloat16At(at.blockScales + 2u * block) * bfloat16At(at.columnScales + 2u * column);
  return (f32(code) - 8.0) * scale;
}`,
};

export function dual(): Quantizer {
  return {
    specificationVersion: 'v1',
    name: 'dual',
    options: {},
    layout: () => null,
    gpu,
    quantize(weights, shape, { name, dtype }): QuantizedTensor {
      const [rows, columns] = shape;
      if (weights.length !== rows * columns) {
        const found = `${weights.length} weights`;
        throw new MoeqError({ operation: 'quantize', subject: name, expected: `[${shape}]`, found });
      }
      const columnScales = fromFloat32(evenColumns(weights, rows, columns), 'BF16');
      // codes are nearest under the scales as they are stored
      const storedColumns = toFloat32(columnScales, 'BF16');
      const even = weights.map((weight, index) => weight / (storedColumns[index % columns] as number));
      const blockScales = fromFloat32(largestOfBlocks(even, rows, columns), 'BF16');
      const storedBlocks = toFloat32(blockScales, 'BF16');
      const codes = Uint8Array.from(even, (weight, index) => {
        const scale = storedBlocks[blockOf(index, columns)] as number;
        const code = scale === 0 ? 8 : Math.round(weight / scale) + 8;
        return Math.max(0, Math.min(15, code));
      });
      return {
        format: 'dual',
        shape: [rows, columns],
        dtype,
        layout: null,
        planes: {
          codes: { dtype: 'U8', data: packCodes(codes, 4, 'lowFirst') },
          blockScales: { dtype: 'BF16', data: blockScales },
          columnScales: { dtype: 'BF16', data: columnScales },
        },
      };
    },
    dequantize({ planes, shape: [rows = 0, columns = 0] }, out = new Float32Array(rows * columns)) {
      const plane = (name: string) => planes[name]?.data ?? new Uint8Array();
      const codes = unpackCodes(plane('codes'), rows * columns, 4, 'lowFirst');
      const blockScales = toFloat32(plane('blockScales'), 'BF16');
      const columnScales = toFloat32(plane('columnScales'), 'BF16');
      codes.forEach((code, index) => {
        const scale = Math.fround(
          (blockScales[blockOf(index, columns)] as number) * (columnScales[index % columns] as number),
        );
        out[index] = (code - 8) * scale;
      });
      return out;
    },
  };
}

function blockOf(index: number, columns: number): number {
  const blocks = Math.ceil(columns / blockSize);
  return Math.floor(index / columns) * blocks + Math.floor((index % columns) / blockSize);
}

/** Float32 [rows, blocks]: the step between codes. */
function largestOfBlocks(weights: Float32Array, rows: number, columns: number): Float32Array {
  const scales = new Float32Array(rows * Math.ceil(columns / blockSize));
  weights.forEach((weight, index) => {
    const block = blockOf(index, columns);
    scales[block] = Math.max(scales[block] as number, Math.abs(weight) / largestCode);
  });
  return scales;
}
