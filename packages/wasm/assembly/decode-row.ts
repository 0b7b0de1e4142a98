// Rows to float32: plain numbers, and codes of any layout by its definition,
//   value = (number of the code - zero point) * scale + offset,
// element by element. The way for layouts that the integer kernels do not take, and for embeddings.
import { blockValue, blockValueAt, halfToFloat, halvesToFloats, specialHalves } from './block-values';
import { Kernel, Matrix, ScaleOrder, Zero } from './matrix';
import { interleavedRows } from './nibbles';

// The shuffles interleave with zeros, in the order that is one instruction.

// @ts-ignore: decorator
@inline
export function bfloatLow(v: v128): v128 {
  return i8x16.shuffle(i32x4.splat(0), v, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
}

// @ts-ignore: decorator
@inline
export function bfloatHigh(v: v128): v128 {
  return i8x16.shuffle(i32x4.splat(0), v, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
}

function bfloats(from: usize, count: u32, out: usize): void {
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8, from += 16, out += 32) {
    const v = v128.load(from);
    v128.store(out, bfloatLow(v));
    v128.store(out, bfloatHigh(v), 16);
  }
  for (; i < count; i++, from += 2, out += 4) store<u32>(out, <u32>load<u16>(from) << 16);
}

/** Infinity and NaN have all exponent bits; a vector that has one goes the scalar way. */
function halves(from: usize, count: u32, out: usize): void {
  let i: u32 = 0;
  for (; i + 8 <= count; i += 8, from += 16, out += 32) {
    const v = v128.load(from);
    if (v128.any_true(specialHalves(v))) {
      for (let j: usize = 0; j < 8; j++) store<f32>(out + (j << 2), halfToFloat(load<u16>(from + (j << 1))));
    } else {
      v128.store(out, halvesToFloats(i32x4.extend_low_i16x8_s(v)));
      v128.store(out, halvesToFloats(i32x4.extend_high_i16x8_s(v)), 16);
    }
  }
  for (; i < count; i++, from += 2, out += 4) store<f32>(out, halfToFloat(load<u16>(from)));
}

/** Where byte `byte` of the 4-bit codes of an interleaved row lies: src/interleave.ts. */
// @ts-ignore: decorator
@inline
function interleaved(matrix: Matrix, row: u32, byte: u32): usize {
  const local = row - matrix.firstRow;
  const group = matrix.codes + (local / interleavedRows) * (matrix.columns >> 1) * interleavedRows;
  return group + (byte & ~3) * interleavedRows + ((local % interleavedRows) << 2) + (byte & 3);
}

// @ts-ignore: decorator
@inline
function codeAt(matrix: Matrix, row: u32, column: u32): u32 {
  const element = <u64>row * matrix.columns + column;
  if (matrix.bits == 8) return load<u8>(matrix.codes + <usize>element);
  const isInterleaved = matrix.kernel != Kernel.any;
  const place = isInterleaved ? <u64>column : element;
  const halves = matrix.order == 2;
  const byte = <usize>(halves ? ((place >> 5) << 4) + (place & 15) : place >> 1);
  const both = <u32>load<u8>(isInterleaved ? interleaved(matrix, row, <u32>byte) : matrix.codes + byte);
  const high = halves ? (place & 16) != 0 : ((<u32>place ^ matrix.order) & 1) == 0;
  return high ? both >> 4 : both & 15;
}

/** The scale of a block of `row`. */
// @ts-ignore: decorator
@inline
function scaleOf(matrix: Matrix, row: u32, block: u32): f32 {
  if (matrix.scaleOrder != ScaleOrder.interleaved) return blockValue(matrix.scales, block);
  const local = row - matrix.firstRow;
  const unit = block - row * matrix.units;
  return blockValueAt(matrix.scales, ((local / interleavedRows) * matrix.units + unit) * interleavedRows + (local % interleavedRows), block);
}

function codes(matrix: Matrix, row: u32, out: usize): void {
  const first = <u64>row * matrix.columns;
  const byRow = matrix.blocksPerRow != 0;
  for (let i: u32 = 0; i < matrix.columns; ) {
    const position = byRow ? <u64>i : first + i;
    const block = <u32>(position / matrix.blockSize) + (byRow ? row * matrix.blocksPerRow : 0);
    const end = min(matrix.columns, i + matrix.blockSize - <u32>(position % matrix.blockSize));
    const scale = scaleOf(matrix, row, block);
    const zero = matrix.zero == Zero.zeroPoints ? <f32>load<u8>(matrix.zeroPoints + block) : 0;
    const offset = matrix.zero == Zero.offsets ? blockValue(matrix.offsets, block) : 0;
    for (; i < end; i++, out += 4) {
      const value = load<f32>(matrix.values + (<usize>codeAt(matrix, row, i) << 2));
      store<f32>(out, (value - zero) * scale + offset);
    }
  }
}

/**
 * @param row counted in the tensor
 * @param out Float32 [K]
 */
export function decodeRow(matrix: Matrix, row: u32, out: usize): void {
  const columns = matrix.columns;
  switch (matrix.kernel) {
    case Kernel.float32:
      memory.copy(out, matrix.codes + <usize>row * (columns << 2), columns << 2);
      break;
    case Kernel.float16:
      halves(matrix.codes + <usize>row * (columns << 1), columns, out);
      break;
    case Kernel.bfloat16:
      bfloats(matrix.codes + <usize>row * (columns << 1), columns, out);
      break;
    default:
      codes(matrix, row, out);
  }
}
