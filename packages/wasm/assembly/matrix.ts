// A matrix as kernels see it: rows of one tensor, or of one thread's share of it, and where its planes lie in this heap.
// The host writes these structures: src/abi/records.ts and src/abi/enumerations.ts, with which the build compares them.
//
// Pointers are biased: they point to where element, block or nested block 0 of the whole tensor would lie, so that kernels
// count as the layout counts. Addresses wrap at 2^32 and come out right.

/** What `Matrix.kernel` says. */
export enum Kernel {
  /** Plain F32, F16, BF16. */
  float32 = 0,
  float16 = 1,
  bfloat16 = 2,
  /** 4-bit codes, eight rows interleaved: nibbles.ts. */
  affine4 = 3,
  codebook4 = 4,
  /** 8-bit integer codes. */
  signed8 = 5,
  unsigned8 = 6,
  /** Any layout: rows are decoded to float32 first. */
  any = 7,
}

/** What `Blocks.kind` says. */
export enum BlockKind {
  float32 = 0,
  float16 = 1,
  bfloat16 = 2,
  exponent8 = 3,
  nested = 4,
}

/** What `Matrix.scaleOrder` says. */
export enum ScaleOrder {
  /** Any blocks of whole units. */
  blocks = 0,
  /** Each unit is a block, rows start with one, and four at a time have one nested scale. */
  units = 1,
  /** The same, and those of eight rows are interleaved, as their codes are: src/interleave.ts. */
  interleaved = 2,
}

/** What `Matrix.zero` says: what is added to code * scale. */
export enum Zero {
  /** `levelOffset` times the scale. */
  constant = 0,
  /** Minus the block's zero point times the scale. */
  zeroPoints = 1,
  /** A float a block. */
  offsets = 2,
}

/** One number a block. */
@unmanaged
export class Blocks {
  data: usize;
  kind: u32;
  /** Float32 [256] of nested values. */
  table: usize;
  /** Float32, one for 2^nestedShift blocks, or for nestedSize where that is no power of two. */
  nested: usize;
  nestedSize: u32;
  /** log2(nestedSize); 32 where that is no whole number. */
  nestedShift: u32;
  multiplier: f32;
  /** Added to nested values. */
  offset: f32;
}

@unmanaged
export class Matrix {
  kernel: u32;
  /** Rows here. */
  rows: u32;
  /** The first of them, counted in the tensor. */
  firstRow: u32;
  /** K */
  columns: u32;
  /** Elements that the inner loop takes at a time: 64 or 32. */
  unit: u32;
  /** K / unit */
  units: u32;
  /** Codes, or the plain numbers; of interleaved ones those of the first row here. */
  codes: usize;
  blockSize: u32;
  /** 0: flat blocks. */
  blocksPerRow: u32;
  scaleOrder: u32;
  zero: u32;
  zeroPoints: usize;
  /** value = (levelStep * level + levelOffset) * scale */
  levelStep: f32;
  levelOffset: f32;
  /** Bytes [16]: the levels of a 4-bit codebook. */
  levels: usize;
  /** Float32 [2^bits]: code to number, for kernels that decode to float32. */
  values: usize;
  bits: u32;
  /** `Order` of quantize-activations.ts. */
  order: u32;
  scaleData: usize;
  scaleKind: u32;
  scaleTable: usize;
  scaleNested: usize;
  scaleNestedSize: u32;
  scaleNestedShift: u32;
  scaleMultiplier: f32;
  scaleOffset: f32;
  offsetData: usize;
  offsetKind: u32;
  offsetTable: usize;
  offsetNested: usize;
  offsetNestedSize: u32;
  offsetNestedShift: u32;
  offsetMultiplier: f32;
  offsetOffset: f32;

  // @ts-ignore: decorator
  @inline
  get scales(): Blocks {
    return changetype<Blocks>(changetype<usize>(this) + offsetof<Matrix>('scaleData'));
  }

  // @ts-ignore: decorator
  @inline
  get offsets(): Blocks {
    return changetype<Blocks>(changetype<usize>(this) + offsetof<Matrix>('offsetData'));
  }
}

/** Room that kernels work in, given by the host; U is the most units of a row, K the most columns. */
export namespace Scratch {
  /** Float32 [4]: what is added to levels, where it is the same for all units. In memory, because kernels need all registers. */
  export let offset: usize = 0;
  /** Bytes of U float32, filled up to whole vectors. */
  export let stride: usize = 0;
  /** Float32 [4, U]: the scale of each unit of a row, or of four rows. */
  export let scales: usize = 0;
  /** Float32 [4, U]: what is added, a unit. */
  export let offsets: usize = 0;
  /** Float32 [U, 8]: scales of eight rows. */
  export let rowScales: usize = 0;
  /** Bytes from them to what is added, or where nothing is to the scales of eight rows more, Float32 [U, 8]. */
  export let offsetsAfter: usize = 0;
  /** Float32 [U] or [U, 4]: scale times activation scale of a token or of four; or Float32 [2, 16]: results of two tokens. */
  export let products: usize = 0;
  /** Float32 [K], or bytes [16 K]: a decoded row, or the codes of eight or levels of sixteen. */
  export let row: usize = 0;
}

/**
 * @param address of `scratchBytes`
 * @param columns the most that a matrix has
 */
export function useScratch(address: usize, columns: u32): void {
  const stride = unitsBytes(columns);
  Scratch.offset = address;
  address += 16;
  Scratch.scales = address;
  Scratch.stride = stride;
  Scratch.offsets = address + 4 * stride;
  Scratch.rowScales = address + 8 * stride;
  Scratch.offsetsAfter = 8 * stride;
  Scratch.products = address + 24 * stride;
  Scratch.row = address + 28 * stride;
}

/** Units of 32, filled up to whole vectors. */
function unitsBytes(columns: u32): u32 {
  return ((columns / 32 + 4) * 4 + 15) & ~15;
}

/** Bytes of `Scratch`, for matrices of up to so many columns. Kernels write whole vectors past the end of a row. */
export function scratchBytes(columns: u32): u32 {
  return 16 + 28 * unitsBytes(columns) + 16 * columns + 64;
}
