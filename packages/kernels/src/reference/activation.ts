// The activations of gated MLPs.
//   silu(x)     = x / (1 + e^-x)                                          arXiv:1702.03118
//   gelu(x)     = x (1 + erf(x / sqrt 2)) / 2                             arXiv:1606.08415
//   geluTanh(x) = x (1 + tanh(sqrt(2/π) (x + 0.044715 x³))) / 2           the same, its approximation
import type { Activation } from '../step.js';

export const activations: Record<Activation, (x: number) => number> = {
  silu: (x) => x / (1 + Math.exp(-x)),
  gelu: (x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2,
  geluTanh: (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
};

/** 1 - erf(6) is 2e-17, below what float64 can tell from 1. */
const erfSaturates = 6;

/**
 * erf(x) = 2/√π e^(-x²) Σ 2ⁿ x^(2n+1) / (2n+1)!!, a series without cancellation; DLMF 7.6.2. Exact to a few float64 ulp.
 * NaN stays NaN.
 */
function erf(x: number): number {
  if (Math.abs(x) >= erfSaturates) return Math.sign(x);
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > Number.EPSILON * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

export function sigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}
