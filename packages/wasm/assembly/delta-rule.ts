// The gated delta rule of one head for one token, float32, sixteen columns of the state at a time. Sums go over the rows in
// order, so they are the same bits whatever the chunks.
//
// Shapes: C key dimension, CV value dimension.
import { sigmoid } from './functions';
import { sumLanes } from './simd';

/** out = x * scale / sqrt(sum of x² + 1e-6) */
export function unitHead(x: usize, scale: f32, length: u32, out: usize): void {
  const whole = length & ~3;
  let squares = f32x4.splat(0);
  for (let i: u32 = 0; i < whole; i += 4) {
    const v = v128.load(x + (i << 2));
    squares = f32x4.add(squares, f32x4.mul(v, v));
  }
  let sum = sumLanes(squares);
  for (let i = whole; i < length; i++) sum += load<f32>(x + (i << 2)) * load<f32>(x + (i << 2));
  const factor = <f32>(<f64>scale / Math.sqrt(<f64>sum + 1e-6));
  const factors = f32x4.splat(factor);
  for (let i: u32 = 0; i < whole; i += 4) v128.store(out + (i << 2), f32x4.mul(v128.load(x + (i << 2)), factors));
  for (let i = whole; i < length; i++) store<f32>(out + (i << 2), load<f32>(x + (i << 2)) * factor);
}

/** out = exp(-rate * ln(1 + exp(x + bias))) */
export function decayFactors(x: usize, bias: usize, rate: f32, length: u32, out: usize): void {
  for (let i: u32 = 0; i < length; i++) {
    const at = i << 2;
    const sum = load<f32>(x + at) + load<f32>(bias + at);
    const softplus = max<f32>(sum, 0) + Mathf.log1p(Mathf.exp(-abs<f32>(sum)));
    store<f32>(out + at, Mathf.exp(-rate * softplus));
  }
}

/**
 * S = a S, then S + k dᵀ with d = strength * (value - Sᵀ k); out = Sᵀ q.
 * @param source Float32 [C, CV]: S before the token
 * @param target where S after it goes; may be `source`
 * @param factors Float32 [C], `factorStride` bytes apart: a
 */
export function deltaStep(source: usize, target: usize, query: usize, key: usize, value: usize, factors: usize, factorStride: usize, strength: f32, keyDim: u32, valueDim: u32, out: usize): void {
  const row: usize = <usize>valueDim << 2;
  let j: u32 = 0;
  for (; j + 16 <= valueDim; j += 16) {
    const at: usize = <usize>j << 2;
    stepSixteen(source + at, target + at, query, key, value + at, factors, factorStride, strength, keyDim, row, out + at);
  }
  for (; j + 4 <= valueDim; j += 4) {
    const at: usize = <usize>j << 2;
    stepFour(source + at, target + at, query, key, value + at, factors, factorStride, strength, keyDim, row, out + at);
  }
  for (; j < valueDim; j++) {
    const at: usize = <usize>j << 2;
    stepOne(source + at, target + at, query, key, value + at, factors, factorStride, strength, keyDim, row, out + at);
  }
}

function stepSixteen(source: usize, target: usize, query: usize, key: usize, value: usize, factors: usize, factorStride: usize, strength: f32, keyDim: u32, row: usize, out: usize): void {
  let a = f32x4.splat(0);
  let b = f32x4.splat(0);
  let c = f32x4.splat(0);
  let d = f32x4.splat(0);
  let from = source;
  let factor = factors;
  for (let i: u32 = 0; i < keyDim; i++, from += row, factor += factorStride) {
    const k = f32x4.splat(load<f32>(key + (i << 2)) * load<f32>(factor));
    a = f32x4.add(a, f32x4.mul(k, v128.load(from)));
    b = f32x4.add(b, f32x4.mul(k, v128.load(from, 16)));
    c = f32x4.add(c, f32x4.mul(k, v128.load(from, 32)));
    d = f32x4.add(d, f32x4.mul(k, v128.load(from, 48)));
  }
  const strengths = f32x4.splat(strength);
  const changeA = f32x4.mul(strengths, f32x4.sub(v128.load(value), a));
  const changeB = f32x4.mul(strengths, f32x4.sub(v128.load(value, 16), b));
  const changeC = f32x4.mul(strengths, f32x4.sub(v128.load(value, 32), c));
  const changeD = f32x4.mul(strengths, f32x4.sub(v128.load(value, 48), d));
  a = f32x4.splat(0);
  b = f32x4.splat(0);
  c = f32x4.splat(0);
  d = f32x4.splat(0);
  from = source;
  factor = factors;
  for (let i: u32 = 0; i < keyDim; i++, from += row, target += row, factor += factorStride) {
    const f = f32x4.splat(load<f32>(factor));
    const k = f32x4.splat(load<f32>(key + (i << 2)));
    const q = f32x4.splat(load<f32>(query + (i << 2)));
    const s0 = f32x4.add(f32x4.mul(f, v128.load(from)), f32x4.mul(k, changeA));
    const s1 = f32x4.add(f32x4.mul(f, v128.load(from, 16)), f32x4.mul(k, changeB));
    const s2 = f32x4.add(f32x4.mul(f, v128.load(from, 32)), f32x4.mul(k, changeC));
    const s3 = f32x4.add(f32x4.mul(f, v128.load(from, 48)), f32x4.mul(k, changeD));
    v128.store(target, s0);
    v128.store(target, s1, 16);
    v128.store(target, s2, 32);
    v128.store(target, s3, 48);
    a = f32x4.add(a, f32x4.mul(q, s0));
    b = f32x4.add(b, f32x4.mul(q, s1));
    c = f32x4.add(c, f32x4.mul(q, s2));
    d = f32x4.add(d, f32x4.mul(q, s3));
  }
  v128.store(out, a);
  v128.store(out, b, 16);
  v128.store(out, c, 32);
  v128.store(out, d, 48);
}

function stepFour(source: usize, target: usize, query: usize, key: usize, value: usize, factors: usize, factorStride: usize, strength: f32, keyDim: u32, row: usize, out: usize): void {
  let sum = f32x4.splat(0);
  let from = source;
  let factor = factors;
  for (let i: u32 = 0; i < keyDim; i++, from += row, factor += factorStride) {
    const k = f32x4.splat(load<f32>(key + (i << 2)) * load<f32>(factor));
    sum = f32x4.add(sum, f32x4.mul(k, v128.load(from)));
  }
  const change = f32x4.mul(f32x4.splat(strength), f32x4.sub(v128.load(value), sum));
  sum = f32x4.splat(0);
  from = source;
  factor = factors;
  for (let i: u32 = 0; i < keyDim; i++, from += row, target += row, factor += factorStride) {
    const decayed = f32x4.mul(f32x4.splat(load<f32>(factor)), v128.load(from));
    const s = f32x4.add(decayed, f32x4.mul(f32x4.splat(load<f32>(key + (i << 2))), change));
    v128.store(target, s);
    sum = f32x4.add(sum, f32x4.mul(f32x4.splat(load<f32>(query + (i << 2))), s));
  }
  v128.store(out, sum);
}

function stepOne(source: usize, target: usize, query: usize, key: usize, value: usize, factors: usize, factorStride: usize, strength: f32, keyDim: u32, row: usize, out: usize): void {
  let sum: f32 = 0;
  let from = source;
  let factor = factors;
  for (let i: u32 = 0; i < keyDim; i++, from += row, factor += factorStride) {
    sum += load<f32>(key + (i << 2)) * load<f32>(factor) * load<f32>(from);
  }
  const change = strength * (load<f32>(value) - sum);
  sum = 0;
  from = source;
  factor = factors;
  for (let i: u32 = 0; i < keyDim; i++, from += row, target += row, factor += factorStride) {
    const s = load<f32>(factor) * load<f32>(from) + load<f32>(key + (i << 2)) * change;
    store<f32>(target, s);
    sum += load<f32>(query + (i << 2)) * s;
  }
  store<f32>(out, sum);
}

/** x *= gates sigmoid(gates), or without `silu` x *= sigmoid(gates) */
export function gateNormed(x: usize, gates: usize, silu: bool, length: u32): void {
  const whole = length & ~3;
  for (let i: u32 = 0; i < whole; i += 4) {
    const at = i << 2;
    const gate = v128.load(gates + at);
    const factor = sigmoid(gate);
    v128.store(x + at, f32x4.mul(v128.load(x + at), silu ? f32x4.mul(gate, factor) : factor));
  }
  for (let i = whole; i < length; i++) {
    const at = i << 2;
    const gate = load<f32>(gates + at);
    const factor = f32x4.extract_lane(sigmoid(f32x4.splat(gate)), 0);
    store<f32>(x + at, load<f32>(x + at) * (silu ? gate * factor : factor));
  }
}
