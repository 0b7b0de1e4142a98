// What happens to a sum before it is stored: a bias a row or a gate a token, then the residuals that were to be added.
// All of it is switched by uniforms, so one pipeline serves every use of a matrix multiply.
//
//   v = sum (+ bias[row] | * sigmoid(gate[token])),   v = cap * tanh(v / cap),
//   v = residual1 + scale1 * v,   v = residual2 + scale2 * v
import { sigmoidFunction } from './activation.js';
import type { Fields, StorageBinding } from './shader.js';

export const epilogueFields = {
  /** Row width of the output. */
  outColumns: 'u32',
  /** 0: nothing; 1: `extra` is a bias a row; 2: `extra` is a gate a token. */
  extraMode: 'u32',
  residuals: 'u32',
  scale1: 'f32',
  scale2: 'f32',
  /** Of sums with their bias: cap * tanh(v / cap); 0: none. */
  cap: 'f32',
} as const satisfies Fields;

/** `residualStorage` first, where a kernel has no use for `extra`. */
export const residualStorage: readonly StorageBinding[] = [
  { name: 'residual1', access: 'read', type: 'array<f32>' },
  { name: 'residual2', access: 'read', type: 'array<f32>' },
];

export const extraStorage: StorageBinding = { name: 'extra', access: 'read', type: 'array<f32>' };

export const residualFunction = `fn withResiduals(at: u32, sum: f32) -> f32 {
  var v = sum;
  if (p.residuals > 0u) { v = residual1[at] + p.scale1 * v; }
  if (p.residuals > 1u) { v = residual2[at] + p.scale2 * v; }
  return v;
}`;

export const epilogueFunctions: readonly string[] = [
  sigmoidFunction,
  residualFunction,
  `fn store(token: u32, row: u32, sum: f32) {
  var v = sum;
  if (p.extraMode == 1u) { v += extra[row]; }
  if (p.extraMode == 2u) { v *= sigmoid(extra[token]); }
  if (p.cap > 0.0) { v = p.cap * tanh(clamp(v / p.cap, -15.0, 15.0)); }
  let at = token * p.outColumns + row;
  out[at] = withResiduals(at, v);
}`,
];
