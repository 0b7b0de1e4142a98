// The activations of MLPs; ../activation.ts has the formulas.
import { type Activation, type ActivationKind, activationNumbers } from '../activation.js';
import type { AttentionGate } from '../step.js';

export const activations: Record<ActivationKind, (x: number, alpha: number) => number> = {
  silu: (x, alpha) => x / (1 + Math.exp(-alpha * x)),
  gelu: (x) => (x * (1 + erf(x * Math.SQRT1_2))) / 2,
  geluTanh: (x) => (x * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x ** 3)))) / 2,
  relu2: (x) => Math.max(x, 0) ** 2,
};

/** The inner number of gate and up, or of up alone. */
export function innerFunction(activation: Activation): (gateOrUp: number, up: number) => number {
  const f = activations[activation.kind];
  const { alpha, inputLimit, outputLimit, upLimit, upOffset } = activationNumbers(activation);
  const activate = (x: number) => Math.min(f(Math.min(x, inputLimit), alpha), outputLimit);
  if (!activation.gated) return activate;
  return (gate, up) => activate(gate) * (Math.max(Math.min(up, upLimit), -upLimit) + upOffset);
}

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

/** Of the gates of attention. */
export const gateFunctions: Record<AttentionGate['kind'], (x: number) => number> = {
  sigmoid,
  // ln(1 + e^x) without an overflow
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
};
