// The recurrence of a selective state space for one head, token by token, four numbers of its state at a time. What a token
// gives is the same bits whatever the chunks.
//
// Shapes: T tokens, P numbers of a head, N numbers of a state.
import { exp, silu, softplus } from './functions';
import { sumLanes } from './simd';

/** out = softplus(x + bias) within limits, `length` numbers. */
export function timeSteps(x: usize, bias: usize, least: f32, largest: f32, length: u32, out: usize): void {
  const low = f32x4.splat(least);
  const high = f32x4.splat(largest);
  const whole = length & ~3;
  for (let i: u32 = 0; i < whole; i += 4) {
    const at: usize = i << 2;
    v128.store(out + at, held(f32x4.add(v128.load(x + at), v128.load(bias + at)), low, high));
  }
  for (let i = whole; i < length; i++) {
    const at: usize = i << 2;
    const value = held(f32x4.splat(load<f32>(x + at) + load<f32>(bias + at)), low, high);
    store<f32>(out + at, f32x4.extract_lane(value, 0));
  }
}

// @ts-ignore: decorator
@inline
function held(x: v128, low: v128, high: v128): v128 {
  return f32x4.pmin(f32x4.pmax(softplus(x), low), high);
}

/** out *= silu(gate), `length` numbers. */
export function multiplySilu(out: usize, gate: usize, length: u32): void {
  const one = f32x4.splat(1);
  for (const end = out + ((length & ~3) << 2); out < end; out += 16, gate += 16) {
    v128.store(out, f32x4.mul(v128.load(out), silu(v128.load(gate), one)));
  }
  for (let i: u32 = 0; i < (length & 3); i++, out += 4, gate += 4) {
    store<f32>(out, load<f32>(out) * f32x4.extract_lane(silu(f32x4.splat(load<f32>(gate)), one), 0));
  }
}

/**
 * S = exp(-d exp(A)) S + d x ⊗ B; out = S C + skip x
 * @param x Float32 [P], rows `xStride` bytes apart
 * @param b Float32 [N], rows `bcStride` bytes apart
 * @param toC bytes from B to C
 * @param steps d of each token, `stepStride` bytes apart
 * @param rates A: one, or N where `perState`
 * @param room for 2 N numbers
 * @param state Float32 [P, N], before the first token and after the last
 * @param out Float32 [P], rows `outStride` bytes apart
 */
export function scanHead(
  x: usize,
  xStride: usize,
  b: usize,
  toC: usize,
  bcStride: usize,
  steps: usize,
  stepStride: usize,
  rates: usize,
  perState: bool,
  skip: f32,
  tokens: u32,
  headDim: u32,
  stateDim: u32,
  room: usize,
  state: usize,
  out: usize,
  outStride: usize,
): void {
  const row: usize = <usize>stateDim << 2;
  const whole: usize = (stateDim & ~3) << 2;
  const kept = room + row;
  for (let n: usize = 0; n < row; n += 4) {
    const rate = exp(f32x4.splat(load<f32>(perState ? rates + n : rates)));
    store<f32>(room + n, f32x4.extract_lane(rate, 0));
  }
  for (let t: u32 = 0; t < tokens; t++, x += xStride, b += bcStride, steps += stepStride, out += outStride) {
    const step = load<f32>(steps);
    decays(room, -step, perState, stateDim, kept);
    let s = state;
    for (let p: usize = 0; p < <usize>headDim << 2; p += 4, s += row) {
      const input = load<f32>(x + p);
      const scaled = step * input;
      const factors = f32x4.splat(scaled);
      let sums = f32x4.splat(0);
      for (let n: usize = 0; n < whole; n += 16) {
        const before = f32x4.mul(v128.load(kept + n), v128.load(s + n));
        const after = f32x4.add(before, f32x4.mul(factors, v128.load(b + n)));
        v128.store(s + n, after);
        sums = f32x4.add(sums, f32x4.mul(after, v128.load(b + toC + n)));
      }
      let sum = sumLanes(sums);
      for (let n = whole; n < row; n += 4) {
        const after = load<f32>(kept + n) * load<f32>(s + n) + scaled * load<f32>(b + n);
        store<f32>(s + n, after);
        sum += after * load<f32>(b + toC + n);
      }
      store<f32>(out + p, sum + skip * input);
    }
  }
}

/** out = exp(factor * rates), N numbers. */
function decays(rates: usize, factor: f32, perState: bool, count: u32, out: usize): void {
  const factors = f32x4.splat(factor);
  const end: usize = <usize>count << 2;
  const whole: usize = (count & ~3) << 2;
  const first = exp(f32x4.mul(factors, f32x4.splat(load<f32>(rates))));
  for (let n: usize = 0; n < whole; n += 16) {
    v128.store(out + n, perState ? exp(f32x4.mul(factors, v128.load(rates + n))) : first);
  }
  for (let n = whole; n < end; n += 4) {
    store<f32>(out + n, f32x4.extract_lane(exp(f32x4.mul(factors, f32x4.splat(load<f32>(rates + n)))), 0));
  }
}
