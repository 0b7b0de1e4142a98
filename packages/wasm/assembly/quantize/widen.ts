// Weights as they are stored to float32: F32, F16 (IEEE 754 binary16, subnormals included) and BF16, exactly.

import { interleavePairsHigh, interleavePairsLow } from './simd';

export enum DType {
  F32 = 0,
  F16 = 1,
  BF16 = 2,
}

/** 2^112: from the exponents of float16, read as float32's, to their own; exact, and subnormals come out right. */
const rebias: f32 = 5.192296858534828e33;

/** Bytes of an element. */
// @ts-ignore: decorator
@inline
export function sizeOf(dtype: u32): u32 {
  return dtype == DType.F32 ? 4 : 2;
}

/** A sign-extended float16 in each lane as float32: its sign is in bit 31 already, the rest moves up by 13 places. */
// @ts-ignore: decorator
@inline
export function widenFour(half: v128, out: usize): void {
  const sign = v128.and(half, i32x4.splat(0x80000000));
  const magnitude = i32x4.shl(v128.and(half, i32x4.splat(0x7fff)), 13);
  v128.store(out, v128.or(f32x4.mul(magnitude, f32x4.splat(rebias)), sign));
}

/** The same of the bits of one that is not negative. NaN and infinity become 65536 and more, here as above. */
// @ts-ignore: decorator
@inline
export function fromHalf(magnitude: u32): f32 {
  return reinterpret<f32>(magnitude << 13) * rebias;
}

/**
 * Widens `count` elements to float32 and fills up with zeros to a whole vector of four, and with four more.
 * @param out room for count + 11 float32
 */
export function widen(x: usize, dtype: u32, count: u32, out: usize): void {
  const end = out + (count << 2);
  if (dtype == DType.F32) {
    memory.copy(out, x, count << 2);
  } else if (dtype == DType.BF16) {
    const zero = i32x4.splat(0);
    for (let at = out; at < end; at += 32, x += 16) {
      const words = v128.load(x);
      v128.store(at, interleavePairsLow(zero, words));
      v128.store(at, interleavePairsHigh(zero, words), 16);
    }
  } else {
    for (let at = out; at < end; at += 32, x += 16) {
      const halves = v128.load(x);
      widenFour(i32x4.extend_low_i16x8_s(halves), at);
      widenFour(i32x4.extend_high_i16x8_s(halves), at + 16);
    }
  }
  v128.store(end, i32x4.splat(0));
  v128.store(end, i32x4.splat(0), 16);
}

/**
 * Whether weights of that largest magnitude, widened, are all finite. What float16 calls NaN or infinite is widened to 65536
 * and more.
 */
// @ts-ignore: decorator
@inline
export function isFinite(largest: f32, dtype: u32): bool {
  return largest <= (dtype == DType.F16 ? 65504 : f32.MAX_VALUE);
}
