// Full blocks to float32 with the even elements apart from the odd ones, which is where a byte of two codes wants them, and
// their largest magnitude, found among the words as they are stored.
import { largestLane } from './simd';
import { DType, fromHalf, widenFour } from './widen';

/** Constants that loops load once: all bits but the sign of words, the upper words of numbers. */
const masks = memory.data<u16>(
  [0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0x7fff, 0, 0xffff, 0, 0xffff, 0, 0xffff, 0, 0xffff],
  16,
);

/**
 * @param x elements of the dtype
 * @param count a multiple of 32
 * @param out Float32 [count]: of each 32 elements the 16 even ones, then the odd ones
 * @returns the largest magnitude; `isFinite` says what it is where an element is not finite
 */
// @ts-ignore: decorator
@inline
export function splitBlock(x: usize, dtype: u32, count: u32, out: usize): f32 {
  const end = out + (count << 2);
  if (dtype == DType.BF16) return reinterpret<f32>(splitBfloats(x, out, end) << 16);
  if (dtype == DType.F32) return reinterpret<f32>(splitFloats(x, out, end));
  return fromHalf(splitHalves(x, out, end));
}

/** Eight bfloat16, the even ones to `out`, the odd ones 64 bytes behind. */
// @ts-ignore: decorator
@inline
function splitEight(words: v128, high: v128, out: usize): void {
  v128.store(out, i32x4.shl(words, 16));
  v128.store(out, v128.and(words, high), 64);
}

function splitBfloats(x: usize, out: usize, end: usize): u32 {
  const magnitude = v128.load(masks);
  const high = v128.load(masks, 16);
  let largest = i32x4.splat(0);
  let other = largest;
  for (; out < end; out += 128, x += 64) {
    const first = v128.load(x);
    const second = v128.load(x, 16);
    const third = v128.load(x, 32);
    const fourth = v128.load(x, 48);
    splitEight(first, high, out);
    splitEight(second, high, out + 16);
    splitEight(third, high, out + 32);
    splitEight(fourth, high, out + 48);
    largest = i16x8.max_s(largest, i16x8.max_s(v128.and(first, magnitude), v128.and(second, magnitude)));
    other = i16x8.max_s(other, i16x8.max_s(v128.and(third, magnitude), v128.and(fourth, magnitude)));
  }
  return largestWord(i16x8.max_s(largest, other));
}

function splitHalves(x: usize, out: usize, end: usize): u32 {
  const magnitude = i16x8.splat(0x7fff);
  let largest = i32x4.splat(0);
  for (; out < end; out += 64) {
    for (const half = out + 64; out < half; out += 16, x += 16) {
      const words = v128.load(x);
      largest = i16x8.max_s(largest, v128.and(words, magnitude));
      widenFour(i32x4.shr_s(i32x4.shl(words, 16), 16), out);
      widenFour(i32x4.shr_s(words, 16), out + 64);
    }
  }
  return largestWord(largest);
}

function splitFloats(x: usize, out: usize, end: usize): u32 {
  const magnitude = i32x4.splat(0x7fffffff);
  let largest = i32x4.splat(0);
  for (; out < end; out += 64) {
    for (const half = out + 64; out < half; out += 16, x += 32) {
      const first = v128.load(x);
      const second = v128.load(x, 16);
      largest = i32x4.max_s(largest, v128.and(first, magnitude));
      largest = i32x4.max_s(largest, v128.and(second, magnitude));
      v128.store(out, i8x16.shuffle(first, second, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27));
      v128.store(out, i8x16.shuffle(first, second, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31), 64);
    }
  }
  return largestLane(largest);
}

function largestWord(words: v128): u32 {
  const pairs = i16x8.max_s(words, i32x4.shr_u(words, 16));
  return largestLane(v128.and(pairs, i32x4.splat(0xffff)));
}
