// Elementary functions on four float32.
//   exp: x = n ln 2 + r, |r| <= ln 2 / 2, e^r by the polynomial of Cephes' expf (Moshier), 2 ulp; 0 below -87.3
//   log(1 + y): 2 artanh(s), s = y / (2 + y) up to 1/3, by its series up to s^15, 2 ulp
//   erf: Abramowitz and Stegun 7.1.26, absolute error 1.5e-7

/** e^x; x above 88.37 gives infinity, below -87.3 zero; NaN stays. */
export function exp(x: v128): v128 {
  const n = f32x4.nearest(f32x4.mul(x, f32x4.splat(1.44269504088896341)));
  let r = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693359375)));
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)));
  let p = f32x4.splat(1.9875691500e-4);
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  const power = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23);
  const value = f32x4.mul(p, power);
  const low = f32x4.lt(x, f32x4.splat(-87.3));
  const high = f32x4.gt(x, f32x4.splat(88.37));
  return v128.bitselect(f32x4.splat(Infinity), v128.andnot(value, low), high);
}

// @ts-ignore: decorator
@inline
export function sigmoid(x: v128): v128 {
  return f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), exp(f32x4.neg(x))));
}

/** x / (1 + e^(-alpha x)) */
// @ts-ignore: decorator
@inline
export function silu(x: v128, alpha: v128): v128 {
  return f32x4.div(x, f32x4.add(f32x4.splat(1), exp(f32x4.neg(f32x4.mul(alpha, x)))));
}

/** log(1 + e^x) = max(x, 0) + log(1 + e^-|x|) */
export function softplus(x: v128): v128 {
  const y = exp(f32x4.neg(f32x4.abs(x)));
  const s = f32x4.div(y, f32x4.add(y, f32x4.splat(2)));
  const square = f32x4.mul(s, s);
  let p = f32x4.splat(2.0 / 15);
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2.0 / 13));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2.0 / 11));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2.0 / 9));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2.0 / 7));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2.0 / 5));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2.0 / 3));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(2));
  return f32x4.add(f32x4.max(x, f32x4.splat(0)), f32x4.mul(p, s));
}

/** max(x, 0)² */
// @ts-ignore: decorator
@inline
export function relu2(x: v128): v128 {
  const positive = f32x4.max(x, f32x4.splat(0));
  return f32x4.mul(positive, positive);
}

/** x (1 + erf(x / sqrt 2)) / 2 */
export function gelu(x: v128): v128 {
  const z = f32x4.mul(f32x4.abs(x), f32x4.splat(0.70710678118654752));
  const t = f32x4.div(f32x4.splat(1), f32x4.add(f32x4.splat(1), f32x4.mul(f32x4.splat(0.3275911), z)));
  let p = f32x4.splat(1.061405429);
  p = f32x4.sub(f32x4.mul(p, t), f32x4.splat(1.453152027));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(1.421413741));
  p = f32x4.sub(f32x4.mul(p, t), f32x4.splat(0.284496736));
  p = f32x4.add(f32x4.mul(p, t), f32x4.splat(0.254829592));
  const complement = f32x4.mul(f32x4.mul(p, t), exp(f32x4.neg(f32x4.mul(z, z)))); // 1 - erf(|x| / sqrt 2)
  const half = f32x4.mul(f32x4.mul(x, complement), f32x4.splat(0.5));
  // x (2 - complement) / 2 for x >= 0, x complement / 2 below: no cancellation where x is very negative
  return v128.bitselect(half, f32x4.sub(x, half), f32x4.lt(x, f32x4.splat(0)));
}

/** x (1 + tanh(y)) / 2 = x sigmoid(2 y), y = sqrt(2/π) (x + 0.044715 x³) */
export function geluTanh(x: v128): v128 {
  const cube = f32x4.mul(f32x4.mul(x, x), x);
  const y = f32x4.add(x, f32x4.mul(cube, f32x4.splat(0.044715)));
  return f32x4.mul(x, sigmoid(f32x4.mul(y, f32x4.splat(1.5957691216057308))));
}
