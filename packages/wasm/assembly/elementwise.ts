// Operations on activations, float32, four at a time. Lengths are in elements; nothing beyond them is touched.
import { exp, gelu, geluTanh, relu2, sigmoid, silu } from './functions';
import { sumLanes } from './simd';

/** out = a + scale * b; `out` may be `a`. */
export function add(a: usize, b: usize, scale: f32, out: usize, length: u32): void {
  const factor = f32x4.splat(scale);
  for (const end = a + ((length & ~3) << 2); a < end; a += 16, b += 16, out += 16) {
    v128.store(out, f32x4.add(v128.load(a), f32x4.mul(v128.load(b), factor)));
  }
  for (let i: u32 = 0; i < (length & 3); i++, a += 4, b += 4, out += 4) store<f32>(out, load<f32>(a) + load<f32>(b) * scale);
}

/** x *= scale */
export function multiply(x: usize, scale: f32, length: u32): void {
  const factor = f32x4.splat(scale);
  for (const end = x + ((length & ~3) << 2); x < end; x += 16) v128.store(x, f32x4.mul(v128.load(x), factor));
  for (let i: u32 = 0; i < (length & 3); i++, x += 4) store<f32>(x, load<f32>(x) * scale);
}

/** x = min(max(x, -limit), limit), `length` exact. */
export function clamp(x: usize, limit: f32, length: u32): void {
  for (const end = x + (length << 2); x < end; x += 4) store<f32>(x, min(max(load<f32>(x), -limit), limit));
}

/** x = cap * tanh(x / cap) */
export function softCap(x: usize, cap: f32, length: u32): void {
  const whole = length & ~3;
  const scale = f32x4.splat(2 / cap);
  for (let i: u32 = 0; i < whole; i += 4) {
    const at = x + (i << 2);
    v128.store(at, capped(v128.load(at), scale, cap));
  }
  for (let i = whole; i < length; i++) {
    const at = x + (i << 2);
    store<f32>(at, f32x4.extract_lane(capped(f32x4.splat(load<f32>(at)), scale, cap), 0));
  }
}

/** cap * (2 sigmoid(2 x / cap) - 1) */
// @ts-ignore: decorator
@inline
function capped(x: v128, scale: v128, cap: f32): v128 {
  const doubled = f32x4.mul(f32x4.splat(2), sigmoid(f32x4.mul(x, scale)));
  return f32x4.mul(f32x4.splat(cap), f32x4.sub(doubled, f32x4.splat(1)));
}

/** out = x - mean(x) over `rows` rows of `columns`; `out` may be `x`. */
export function centre(x: usize, rows: u32, columns: u32, out: usize): void {
  const whole = columns & ~3;
  const stride: usize = columns << 2;
  for (let row: u32 = 0; row < rows; row++, x += stride, out += stride) {
    let sums = f32x4.splat(0);
    for (let i: u32 = 0; i < whole; i += 4) sums = f32x4.add(sums, v128.load(x + (i << 2)));
    let sum = sumLanes(sums);
    for (let i = whole; i < columns; i++) sum += load<f32>(x + (i << 2));
    const mean = sum / <f32>columns;
    const means = f32x4.splat(mean);
    for (let i: u32 = 0; i < whole; i += 4) {
      const at = i << 2;
      v128.store(out + at, f32x4.sub(v128.load(x + at), means));
    }
    for (let i = whole; i < columns; i++) store<f32>(out + (i << 2), load<f32>(x + (i << 2)) - mean);
  }
}

/** x * rsqrt(mean(x²) + epsilon) * weight over `rows` rows of `columns`; `out` may be `x`. 0 as `weight`: none. */
export function rmsNorm(x: usize, weight: usize, epsilon: f32, rows: u32, columns: u32, xStride: usize, out: usize, outStride: usize): void {
  const whole = columns & ~3;
  for (let row: u32 = 0; row < rows; row++, x += xStride, out += outStride) {
    let squares = f32x4.splat(0);
    for (let i: u32 = 0; i < whole; i += 4) {
      const v = v128.load(x + (i << 2));
      squares = f32x4.add(squares, f32x4.mul(v, v));
    }
    let sum = sumLanes(squares);
    for (let i = whole; i < columns; i++) sum += load<f32>(x + (i << 2)) * load<f32>(x + (i << 2));
    const factor = <f32>(1 / Math.sqrt(<f64>sum / columns + epsilon));
    const factors = f32x4.splat(factor);
    if (weight == 0) {
      for (let i: u32 = 0; i < whole; i += 4) {
        v128.store(out + (i << 2), f32x4.mul(v128.load(x + (i << 2)), factors));
      }
      for (let i = whole; i < columns; i++) store<f32>(out + (i << 2), load<f32>(x + (i << 2)) * factor);
      continue;
    }
    for (let i: u32 = 0; i < whole; i += 4) {
      const at = i << 2;
      v128.store(out + at, f32x4.mul(f32x4.mul(v128.load(x + at), factors), v128.load(weight + at)));
    }
    for (let i = whole; i < columns; i++) {
      const at = i << 2;
      store<f32>(out + at, load<f32>(x + at) * factor * load<f32>(weight + at));
    }
  }
}

export enum Activation {
  silu = 0,
  gelu = 1,
  geluTanh = 2,
  relu2 = 3,
}

/** `kind` one of `Activation`. `pmin` and `pmax` keep a NaN in their first operand. */
// @ts-ignore: decorator
@inline
function activated(x: v128, kind: u32, alpha: v128, inputLimit: v128, outputLimit: v128): v128 {
  const held = f32x4.pmin(x, inputLimit);
  if (kind == Activation.silu) return f32x4.pmin(silu(held, alpha), outputLimit);
  if (kind == Activation.gelu) return f32x4.pmin(gelu(held), outputLimit);
  return f32x4.pmin(kind == Activation.geluTanh ? geluTanh(held) : relu2(held), outputLimit);
}

/** x = act(x) */
export function activate(x: usize, kind: u32, alpha: f32, inputLimit: f32, outputLimit: f32, length: u32): void {
  const alphas = f32x4.splat(alpha);
  const inputs = f32x4.splat(inputLimit);
  const outputs = f32x4.splat(outputLimit);
  for (const end = x + ((length & ~3) << 2); x < end; x += 16) {
    v128.store(x, activated(v128.load(x), kind, alphas, inputs, outputs));
  }
  for (let i: u32 = 0; i < (length & 3); i++, x += 4) {
    const value = activated(f32x4.splat(load<f32>(x)), kind, alphas, inputs, outputs);
    store<f32>(x, f32x4.extract_lane(value, 0));
  }
}

/** gate = act(gate) * (up within ± upLimit + upOffset) */
export function activateGated(
  gate: usize,
  up: usize,
  kind: u32,
  alpha: f32,
  inputLimit: f32,
  outputLimit: f32,
  upLimit: f32,
  upOffset: f32,
  length: u32,
): void {
  const alphas = f32x4.splat(alpha);
  const inputs = f32x4.splat(inputLimit);
  const outputs = f32x4.splat(outputLimit);
  const high = f32x4.splat(upLimit);
  const low = f32x4.splat(-upLimit);
  const offsets = f32x4.splat(upOffset);
  for (const end = gate + ((length & ~3) << 2); gate < end; gate += 16, up += 16) {
    const factor = f32x4.add(f32x4.pmax(f32x4.pmin(v128.load(up), high), low), offsets);
    v128.store(gate, f32x4.mul(activated(v128.load(gate), kind, alphas, inputs, outputs), factor));
  }
  for (let i: u32 = 0; i < (length & 3); i++, gate += 4, up += 4) {
    const value = activated(f32x4.splat(load<f32>(gate)), kind, alphas, inputs, outputs);
    const held = max(min(load<f32>(up), upLimit), -upLimit);
    store<f32>(gate, f32x4.extract_lane(value, 0) * (held + upOffset));
  }
}

/** Rotates `heads` heads in place; the first 2 * pairs of their headDim elements. */
export function rotate(x: usize, heads: u32, headDim: u32, cos: usize, sin: usize, pairs: u32, interleaved: bool): void {
  for (let head: u32 = 0; head < heads; head++, x += headDim << 2) {
    for (let i: u32 = 0; i < pairs; i++) {
      const first = x + ((interleaved ? 2 * i : i) << 2);
      const second = interleaved ? first + 4 : first + (pairs << 2);
      const c = load<f32>(cos + (i << 2));
      const s = load<f32>(sin + (i << 2));
      const a = load<f32>(first);
      const b = load<f32>(second);
      store<f32>(first, a * c - b * s);
      store<f32>(second, b * c + a * s);
    }
  }
}

/** x *= 1 / (1 + e^-gate) */
export function multiplySigmoid(x: usize, gate: f32, length: u32): void {
  const e = f32x4.extract_lane(exp(f32x4.splat(-gate)), 0);
  multiply(x, 1 / (1 + e), length);
}

/** Of attention. */
export enum Gate {
  sigmoid = 0,
  softplus = 1,
}

/** ln(1 + e^x) without an overflow for `softplus`. */
function gateOf(x: f32, kind: u32): f32 {
  if (kind == Gate.sigmoid) return f32x4.extract_lane(sigmoid(f32x4.splat(x)), 0);
  return max<f32>(x, 0) + Mathf.log1p(Mathf.exp(-abs<f32>(x)));
}

/** x *= f(gates), number by number, or where there is one gate all of x by it; `kind` one of `Gate`. */
export function gateHead(x: usize, gates: usize, count: u32, kind: u32, length: u32): void {
  if (count == 1) {
    multiply(x, gateOf(load<f32>(gates), kind), length);
    return;
  }
  const whole = kind == Gate.sigmoid ? length & ~3 : 0;
  for (let i: u32 = 0; i < whole; i += 4) {
    const at = i << 2;
    v128.store(x + at, f32x4.mul(v128.load(x + at), sigmoid(v128.load(gates + at))));
  }
  for (let i = whole; i < length; i++) {
    const at = i << 2;
    store<f32>(x + at, load<f32>(x + at) * gateOf(load<f32>(gates + at), kind));
  }
}
