// Activations to pairs, for 4-bit codebooks: of two numbers each is a multiplier of their own, a whole number of up to 13 bits,
// times one of 7 bits and a sign, so that kernels multiply levels by bytes and, once for two, by the multiplier. That is free to
// be one that both numbers come near to, as two are near a fraction of small ones: they miss by 0.06 to 0.1 % of what they
// typically are, as if each had 10 bits.
//
// Shapes: T tokens, K columns.
import { Order, inverseOf, scaleOf, smallest, sum } from './quantize-activations';
import { levelBias, splat, swapHalves, zipFirst, zipLast } from './simd';

/** Of both together, before they are rounded: 128 times levels of up to 255 fits 16 bits. */
const largestOfPair: f32 = 127;

/** By half the unit: the sum of its pairs times levels, rounded, stays below 2^31. */
const largestMultiplier: f32 = 65280;

/** Bytes of a token that `quantizePairs` writes. */
export function pairsStride(columns: u32, unit: u32): u32 {
  return (columns << 1) + columns / unit * 12;
}

// Constants lie in memory for what simd.ts says of them.

/** Float32 of up to 2^22 to which this is added are rounded, nearest even, and lie in the lowest bits. */
const rounding = memory.data<f32>([12582912, 12582912, 12582912, 12582912], 16);

/** The same for multiples of 1 / 1024. */
const roundingRatios = memory.data<f32>([12288, 12288, 12288, 12288], 16);

const ones = memory.data<f32>([1, 1, 1, 1], 16);
const smallestFour = memory.data<f32>([smallest, smallest, smallest, smallest], 16);
const inverseOfPair = memory.data<f32>([1 / largestOfPair, 1 / largestOfPair, 1 / largestOfPair, 1 / largestOfPair], 16);

/** Of float32 all but their signs. */
const sizes = memory.data<u32>([0x7fffffff, 0x7fffffff, 0x7fffffff, 0x7fffffff], 16);
const elevenBits = memory.data<u32>([2047, 2047, 2047, 2047], 16);
const eightBits = memory.data<u32>([255, 255, 255, 255], 16);

/**
 * Bytes [1025]: the denominator of a fraction near i / 1024, from half the largest possible one on.
 * Zeros until `findFractions` has run.
 */
const fractions: usize = memory.data(1040, 16);

/** Those up to `largestOfPair`, numerator and denominator together, that come nearest. */
function findFractions(): void {
  for (let i: i32 = 1024; i >= 0; i--) {
    const ratio = <f32>i / 1024;
    let least: f32 = 1;
    let best: f32 = 1;
    const most = floor(largestOfPair / (1 + ratio));
    for (let denominator = most; denominator > most / 2; denominator -= 1) {
      const numerator = ratio * denominator;
      const miss = abs(numerator - nearest(numerator)) / denominator;
      if (miss < least) {
        least = miss;
        best = denominator;
      }
    }
    store<u8>(fractions + i, <u8>best);
  }
}

/** The denominators for four ratios from 0 to 1; for others anything. */
// @ts-ignore: decorator
@inline
function denominatorsOf(ratios: v128): v128 {
  const cells = v128.and(f32x4.add(ratios, v128.load(roundingRatios)), v128.load(elevenBits));
  let bytes = v128.load8_lane(fractions + i32x4.extract_lane(cells, 0), i32x4.splat(0), 0);
  bytes = v128.load8_lane(fractions + i32x4.extract_lane(cells, 1), bytes, 4);
  bytes = v128.load8_lane(fractions + i32x4.extract_lane(cells, 2), bytes, 8);
  return f32x4.convert_i32x4_s(v128.load8_lane(fractions + i32x4.extract_lane(cells, 3), bytes, 12));
}

/**
 * The multipliers of four pairs: whole numbers of which the larger of a pair is nearly a multiple, and the smaller is too,
 * because what both are divided to is close to a fraction of small numbers.
 */
// @ts-ignore: decorator
@inline
function multipliersOf(first: v128, second: v128): v128 {
  const a = v128.and(first, v128.load(sizes));
  const b = v128.and(second, v128.load(sizes));
  const larger = f32x4.pmax(f32x4.pmax(a, b), v128.load(smallestFour));
  const denominators = denominatorsOf(f32x4.div(f32x4.pmin(a, b), larger));
  const least = f32x4.ceil(f32x4.mul(f32x4.add(a, b), v128.load(inverseOfPair)));
  return f32x4.pmax(f32x4.pmax(f32x4.nearest(f32x4.div(larger, denominators)), least), v128.load(ones));
}

/** Four pairs to 16 bytes: two pairs of the low nibbles, their multipliers, and the same of the high ones. Returns Σ m q. */
// @ts-ignore: decorator
@inline
function storePairs(first: v128, second: v128, out: usize): v128 {
  const multipliers = multipliersOf(first, second);
  const inverse = f32x4.div(v128.load(ones), multipliers);
  const p = f32x4.add(f32x4.mul(first, inverse), v128.load(rounding));
  const q = f32x4.add(f32x4.mul(second, inverse), v128.load(rounding));
  const m = f32x4.add(multipliers, v128.load(rounding));
  // words of a pair and of its multiplier in turn; then those of two pairs first
  const pairs = v128.or(v128.and(p, v128.load(eightBits)), i32x4.shl(q, 8));
  const turns = i8x16.shuffle(pairs, i32x4.shl(m, 16), 0, 1, 18, 19, 4, 5, 22, 23, 8, 9, 26, 27, 12, 13, 30, 31);
  v128.store(out, i8x16.shuffle(turns, turns, 0, 1, 4, 5, 2, 3, 6, 7, 8, 9, 12, 13, 10, 11, 14, 15));
  const sum = f32x4.add(f32x4.sub(p, v128.load(rounding)), f32x4.sub(q, v128.load(rounding)));
  return f32x4.mul(multipliers, sum);
}

/** Eight numbers, four and four, in the order of the codes. */
// @ts-ignore: decorator
@inline
function storeEightOf(a: v128, b: v128, out: usize, order: u32): v128 {
  if (order == Order.splitHalves) {
    return storePairs(
      i8x16.shuffle(a, b, 0, 1, 2, 3, 8, 9, 10, 11, 16, 17, 18, 19, 24, 25, 26, 27),
      i8x16.shuffle(a, b, 4, 5, 6, 7, 12, 13, 14, 15, 20, 21, 22, 23, 28, 29, 30, 31),
      out,
    );
  }
  const first = zipFirst(a, b);
  const second = zipLast(a, b);
  if (order == Order.lowFirst) return storePairs(first, second, out);
  return storePairs(swapHalves(first), swapHalves(second), out);
}

/**
 * For 4-bit codebooks.
 * @param x Float32 [T, K]
 * @param out of each unit Int32, what the kernels add for `levelBias`; for every eight numbers 16 bytes, in the order in which
 *   the codes are read: Int8 [4], Int16 [2], Int8 [4], Int16 [2], two pairs and their multipliers at a time; then their scale,
 *   and scale * sum, Float32
 */
export function quantizePairs(x: usize, tokens: u32, columns: u32, unit: u32, order: u32, out: usize): void {
  if (load<u8>(fractions) == 0) findFractions();
  const bias = levelBias();
  // from eight numbers to the next, and from four of them to the other four
  const step: usize = order == Order.splitHalves ? 16 : 32;
  const apart: usize = order == Order.splitHalves ? 64 : 16;
  const end = x + <usize>tokens * (columns << 2);
  storeScales(x, end, unit, out);
  for (; x < end; out += 8) {
    const start = out;
    out += 4;
    const tail = out + (unit << 1);
    const inverse = splat(tail + 4);
    let total = f32x4.splat(0);
    for (; out < tail; x += 128) {
      for (let j: u32 = 0; j < 4; j++, out += 16) {
        const at = x + j * step;
        const a = f32x4.mul(v128.load(at), inverse);
        const b = f32x4.mul(v128.load(at + apart), inverse);
        total = f32x4.add(total, storeEightOf(a, b, out, order));
      }
    }
    const whole = sum(i32x4.trunc_sat_f32x4_s(total));
    store<i32>(start, bias * whole);
    store<f32>(tail, load<f32>(tail) * <f32>whole, 4);
  }
}

/** Writes the scale of each unit to its place, and its inverse to that of the sum: all before, so that none has to wait for it. */
function storeScales(x: usize, end: usize, unit: u32, out: usize): void {
  const largest = largestOfPair * largestMultiplier / <f32>unit;
  const stride = pairsStride(unit, unit);
  for (out += 4 + (unit << 1); x < end; x += unit << 2, out += stride) {
    const scale = scaleOf(x, unit, largest);
    store<f32>(out, scale);
    store<f32>(out, inverseOf(scale), 4);
  }
}
