// The activations of gated MLPs, as WGSL `fn activate(x: f32) -> f32`; @moeq/kernels' reference has the formulas.
import type { Activation } from '@moeq/kernels';

/** exp stays finite below this; sigmoid is 0 or 1 to float32 long before. */
const sigmoid = 'fn sigmoid(x: f32) -> f32 { return 1.0 / (1.0 + exp(min(-x, 80.0))); }';

const bodies: Record<Activation, string> = {
  silu: 'return x * sigmoid(x);',
  // erf by Abramowitz and Stegun 7.1.26, |error| <= 1.5e-7
  gelu: `let z = abs(x) * 0.7071067811865476;
  let t = 1.0 / (1.0 + 0.3275911 * z);
  let tail = t * (0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429))));
  let erf = 1.0 - tail * exp(-z * z);
  return 0.5 * x * (1.0 + select(-erf, erf, x >= 0.0));`,
  // tanh(10) is 1 to float32; some drivers overflow further out
  geluTanh: `let z = clamp(0.7978845608028654 * (x + 0.044715 * x * x * x), -10.0, 10.0);
  return 0.5 * x * (1.0 + tanh(z));`,
};

export function activationFunctions(activation: Activation): string[] {
  return [sigmoid, `fn activate(x: f32) -> f32 {\n  ${bodies[activation]}\n}`];
}

export const sigmoidFunction = sigmoid;
