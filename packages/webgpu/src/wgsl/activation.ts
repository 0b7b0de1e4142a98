// The activations of MLPs in WGSL: `fn inner(gate: f32, up: f32) -> f32`, or without a gate `fn inner(up: f32) -> f32`.
// @moeq/kernels has the formulas. Limits, alpha and offset are constants of the text, and are not there where they do nothing.
import { type Activation, type ActivationKind, activationNumbers } from '@moeq/kernels';

/** exp stays finite below this; sigmoid is 0 or 1 to float32 long before. */
const sigmoid = 'fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }';

/** A float32 in WGSL. */
const float = (value: number): string => (Number.isInteger(value) ? `${value}.0` : `${value}`);

const bodies: Record<ActivationKind, (alpha: number) => string> = {
  silu: (alpha) => `return x * sigmoid(${alpha === 1 ? 'x' : `${float(alpha)} * x`});`,
  // erf by Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7
  gelu: () => `let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let erf = 1.0 - tail * exp(-z * z);
  return 0.5 * x * (1.0 + select(-erf, erf, x >= 0.0));`,
  // tanh(10) is 1 to float32; some drivers overflow further out
  geluTanh: () => `let z = clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), -10.0, 10.0);
  return 0.5 * x * (1.0 + tanh(z));`,
  relu2: () => `let positive = max(x, 0.0);
  return positive * positive;`,
};

export function activationFunctions(activation: Activation): string[] {
  const { alpha, inputLimit, outputLimit, upLimit, upOffset } = activationNumbers(activation);
  const atMost = (value: string, limit: number): string =>
    limit === Infinity ? value : `min(${value}, ${float(limit)})`;
  const value = (x: string): string => atMost(`activate(${atMost(x, inputLimit)})`, outputLimit);
  const up = upLimit === Infinity ? 'up' : `clamp(up, ${float(-upLimit)}, ${float(upLimit)})`;
  const factor = upOffset === 0 ? up : `(${up} + ${float(upOffset)})`;
  return [
    sigmoid,
    `fn activate(x: f32) -> f32 {\n  ${bodies[activation.kind](alpha)}\n}`,
    activation.gated
      ? `fn inner(gate: f32, up: f32) -> f32 { return ${value('gate')} * ${factor}; }`
      : `fn inner(up: f32) -> f32 { return ${value('up')}; }`,
  ];
}

export const sigmoidFunction = sigmoid;
