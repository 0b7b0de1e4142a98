// The scales of a row, one float32 a unit, and what is added a unit, from their planes: plain, or nested as they stay.
//   scale = element * multiplier | table[code] * nested[block / nestedSize] + offset
import { Blocks, BlockKind, Matrix, ScaleOrder, Zero } from './matrix';
import { splat } from './simd';

/** 2^112, which moves a binary16 exponent, shifted into place, to its float32 value. */
export const halfBias: f32 = 5.192296858534828e33;

// @ts-ignore: decorator
@inline
export function halfToFloat(half: u32): f32 {
  const magnitude = reinterpret<f32>((half & 0x7fff) << 13) * halfBias;
  // infinity and NaN: all exponent bits
  const bits = (half & 0x7c00) == 0x7c00 ? ((half & 0x3ff) << 13) | 0x7f800000 : reinterpret<u32>(magnitude);
  return reinterpret<f32>(bits | ((half & 0x8000) << 16));
}

/** Four binary16 as words of their sign, finite: its copies reach bit 31, and the mask leaves the one that stands there. */
// @ts-ignore: decorator
@inline
export function halvesToFloats(halves: v128): v128 {
  return f32x4.mul(v128.and(i32x4.shl(halves, 13), i32x4.splat(0x8fffe000)), f32x4.splat(halfBias));
}

/** All bits of the binary16 that are infinite or NaN. */
// @ts-ignore: decorator
@inline
export function specialHalves(halves: v128): v128 {
  const exponent = i16x8.splat(0x7c00);
  return i16x8.eq(v128.and(halves, exponent), exponent);
}

/** The number of one block. */
export function blockValue(blocks: Blocks, index: u32): f32 {
  return blockValueAt(blocks, index, index);
}

/** The number of one block whose element lies at place `at`. */
export function blockValueAt(blocks: Blocks, at: u32, index: u32): f32 {
  const data = blocks.data;
  switch (blocks.kind) {
    case BlockKind.float32:
      return load<f32>(data + (at << 2)) * blocks.multiplier;
    case BlockKind.float16:
      return halfToFloat(load<u16>(data + (at << 1))) * blocks.multiplier;
    case BlockKind.bfloat16:
      return reinterpret<f32>(<u32>load<u16>(data + (at << 1)) << 16) * blocks.multiplier;
    case BlockKind.exponent8: {
      const code = <u32>load<u8>(data + at);
      return reinterpret<f32>(code == 0 ? 0x00400000 : code << 23) * blocks.multiplier;
    }
    default: {
      const nested = blocks.nestedShift < 32 ? index >> blocks.nestedShift : index / blocks.nestedSize;
      const value = load<f32>(blocks.table + (<usize>load<u8>(data + at) << 2));
      return value * load<f32>(blocks.nested + (nested << 2)) + blocks.offset;
    }
  }
}

/** Block of the first element of unit `unit`. */
// @ts-ignore: decorator
@inline
function blockOfUnit(matrix: Matrix, row: u32, unit: u32): u32 {
  const element = unit * matrix.unit;
  if (matrix.blocksPerRow != 0) return row * matrix.blocksPerRow + element / matrix.blockSize;
  return <u32>((<u64>row * matrix.columns + element) / matrix.blockSize);
}

/** Units from `unit` on that have its block. */
function unitsOfBlock(matrix: Matrix, row: u32, unit: u32): u32 {
  const element = matrix.blocksPerRow != 0 ? <u64>unit * matrix.unit : <u64>row * matrix.columns + unit * matrix.unit;
  return (matrix.blockSize - <u32>(element % matrix.blockSize)) / matrix.unit;
}

/** Writes the scales of `row` for any layout whose blocks are made of whole units. */
function scalesOfBlocks(matrix: Matrix, row: u32, out: usize): void {
  for (let unit: u32 = 0; unit < matrix.units; ) {
    const value = blockValue(matrix.scales, blockOfUnit(matrix, row, unit));
    const end = min(matrix.units, unit + unitsOfBlock(matrix, row, unit));
    for (; unit < end; unit++) store<f32>(out + (unit << 2), value);
  }
  fillVector(out, matrix.units);
}

/** Zeros from unit `units` to the end of its vector of four. */
// @ts-ignore: decorator
@inline
function fillVector(address: usize, units: u32): void {
  for (let unit = units; (unit & 3) != 0; unit++) store<f32>(address + (unit << 2), 0);
}

/** What `unitOffsets` writes where every unit is a block, four at a time. */
function offsetsOfUnits(matrix: Matrix, row: u32, scales: usize, offsets: usize): void {
  const first = row * matrix.units;
  const zero = matrix.zero == Zero.zeroPoints;
  for (let u: u32 = 0; u < matrix.units; u += 4) {
    const out = offsets + (u << 2);
    if (zero) {
      const bytes = v128.load32_zero(matrix.zeroPoints + first + u);
      const points = f32x4.convert_i32x4_u(i32x4.extend_low_i16x8_u(i16x8.extend_low_i8x16_u(bytes)));
      v128.store(out, f32x4.mul(f32x4.neg(points), v128.load(scales + (u << 2))));
    } else {
      for (let i: u32 = 0; i < 4; i++) store<f32>(out + (i << 2), blockValue(matrix.offsets, first + u + i));
    }
  }
}

/** Writes what is added to the codes of `row`, a unit, to `offsets`; `scales` are those of `unitScales`. */
export function unitOffsets(matrix: Matrix, row: u32, scales: usize, offsets: usize): void {
  if (matrix.scaleOrder != ScaleOrder.blocks) {
    offsetsOfUnits(matrix, row, scales, offsets);
    return;
  }
  for (let unit: u32 = 0; unit < matrix.units; ) {
    const block = blockOfUnit(matrix, row, unit);
    const zero = matrix.zero == Zero.zeroPoints;
    const value = zero ? -<f32>load<u8>(matrix.zeroPoints + block) : blockValue(matrix.offsets, block);
    const end = min(matrix.units, unit + unitsOfBlock(matrix, row, unit));
    for (; unit < end; unit++) {
      const factor = zero ? load<f32>(scales + (unit << 2)) : <f32>1;
      store<f32>(offsets + (unit << 2), value * factor);
    }
  }
  fillVector(offsets, matrix.units);
}

/** Writes the scale of each unit of `row`, counted in the tensor, to `out`, filled up to a whole vector. */
// @ts-ignore: decorator
@inline
export function unitScales(matrix: Matrix, row: u32, out: usize): void {
  if (matrix.scaleOrder == ScaleOrder.blocks) {
    scalesOfBlocks(matrix, row, out);
    return;
  }
  const units = matrix.units;
  const first = row * units;
  const data = matrix.scaleData;
  const multiplier = splat(changetype<usize>(matrix) + offsetof<Matrix>('scaleMultiplier'));
  const kind = matrix.scaleKind;
  if (kind == BlockKind.nested) {
    const table = matrix.scaleTable;
    const offset = splat(changetype<usize>(matrix) + offsetof<Matrix>('scaleOffset'));
    const shift = matrix.scaleNestedShift;
    const nested = matrix.scaleNested;
    for (let u: u32 = 0; u < units; u += 4) {
      const codes = data + first + u;
      let value = v128.load32_zero(table + (<usize>load<u8>(codes) << 2));
      value = v128.load_lane<u32>(table + (<usize>load<u8>(codes, 1) << 2), value, 1);
      value = v128.load_lane<u32>(table + (<usize>load<u8>(codes, 2) << 2), value, 2);
      value = v128.load_lane<u32>(table + (<usize>load<u8>(codes, 3) << 2), value, 3);
      const scale = splat(nested + (((first + u) >> shift) << 2));
      v128.store(out + (u << 2), f32x4.add(f32x4.mul(value, scale), offset));
    }
  } else if (kind == BlockKind.float32) {
    for (let u: u32 = 0; u < units; u += 4) {
      v128.store(out + (u << 2), f32x4.mul(v128.load(data + ((first + u) << 2)), multiplier));
    }
  } else if (kind == BlockKind.float16) {
    for (let u: u32 = 0; u < units; u += 4) {
      const value = halvesToFloats(v128.load16x4_s(data + ((first + u) << 1)));
      v128.store(out + (u << 2), f32x4.mul(value, multiplier));
    }
  } else if (kind == BlockKind.bfloat16) {
    for (let u: u32 = 0; u < units; u += 4) {
      const value = i32x4.shl(v128.load16x4_u(data + ((first + u) << 1)), 16);
      v128.store(out + (u << 2), f32x4.mul(value, multiplier));
    }
  } else {
    for (let u: u32 = 0; u < units; u++) {
      store<f32>(out + (u << 2), blockValue(matrix.scales, first + u));
    }
  }
}
