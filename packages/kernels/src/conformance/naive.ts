// The operations once more, in float64 and written as their formulas read, sharing no code with any backend.
//
// Shapes: T tokens, N rows, K columns, D hidden, F intermediate.
import type { Activation, ActivationKind } from '../activation.js';

/** Row-major float64 numbers. */
export interface Numbers {
  readonly rows: number;
  readonly columns: number;
  readonly values: ArrayLike<number>;
}

export function at({ columns, values }: Numbers, row: number, column: number): number {
  return values[row * columns + column] as number;
}

export function makeNumbers(
  rows: number,
  columns: number,
  value: (row: number, column: number) => number,
): Numbers & { readonly values: Float64Array } {
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < values.length; i++) values[i] = value(Math.floor(i / columns), i % columns);
  return { rows, columns, values };
}

/** Rows of all, one below the other. */
export function stackNumbers(parts: readonly Numbers[]): Numbers {
  const rows = parts.flatMap((part) => Array.from({ length: part.rows }, (_, row) => [part, row] as const));
  return makeNumbers(rows.length, parts[0]?.columns ?? 0, (row, column) => {
    const [part, partRow] = rows[row] as readonly [Numbers, number];
    return at(part, partRow, column);
  });
}

/** x Wᵀ + bias */
export function naiveLinear(x: Numbers, weight: Numbers, bias?: ArrayLike<number>) {
  return makeNumbers(x.rows, weight.rows, (token, row) => {
    let sum = bias?.[row] ?? 0;
    for (let k = 0; k < x.columns; k++) sum += at(x, token, k) * at(weight, row, k);
    return sum;
  });
}

/** What x Wᵀ typically is: the deviation of sums of random sign, which stays away from 0 where few outputs might not. */
export function linearScale(x: Numbers, weight: Numbers): number {
  let squares = 0;
  for (let token = 0; token < x.rows; token++) {
    for (let row = 0; row < weight.rows; row++) {
      for (let k = 0; k < x.columns; k++) squares += (at(x, token, k) * at(weight, row, k)) ** 2;
    }
  }
  return Math.sqrt(squares / (x.rows * weight.rows));
}

export function naiveRmsNorm(x: Numbers, weight: ArrayLike<number>, epsilon: number) {
  return naiveNorm(x, weight, epsilon, false, null);
}

/** A layer norm where `centred`, by the mean and the variance of a row; else an RMS norm. */
export function naiveNorm(
  x: Numbers,
  weight: ArrayLike<number>,
  epsilon: number,
  centred: boolean,
  bias: ArrayLike<number> | null,
) {
  const average = (numbers: number[]) => numbers.reduce((sum, value) => sum + value, 0) / x.columns;
  const rows = Array.from({ length: x.rows }, (_, row) => {
    const values = Array.from({ length: x.columns }, (_, k) => at(x, row, k));
    const mean = centred ? average(values) : 0;
    return { mean, variance: average(values.map((value) => (value - mean) ** 2)) };
  });
  return makeNumbers(x.rows, x.columns, (row, column) => {
    const { mean, variance } = rows[row] as (typeof rows)[number];
    const normed = (at(x, row, column) - mean) / Math.sqrt(variance + epsilon);
    return normed * (weight[column] as number) + (bias?.[column] ?? 0);
  });
}

/** An MLP as numbers. */
export interface NaiveMlp {
  readonly gateUp: Numbers;
  readonly down: Numbers;
  readonly gateUpBias?: ArrayLike<number> | undefined;
  readonly downBias?: ArrayLike<number> | undefined;
}

/** down(act(gate(x)) * up(x)), or down(act(up(x))) */
export function naiveMlp(
  x: Numbers,
  { gateUp, down, gateUpBias, downBias }: NaiveMlp,
  activation: Activation,
) {
  const both = naiveLinear(x, gateUp, gateUpBias);
  const inner = makeNumbers(x.rows, down.columns, (token, f) =>
    naiveInner(activation, at(both, token, f), at(both, token, f + down.columns)),
  );
  return naiveLinear(inner, down, downBias);
}

/** f(g) * u, of ups from a column of wider rows on. */
export function naiveMultiplyGated(gates: Numbers, ups: Numbers, first: number, activation: Activation) {
  return makeNumbers(gates.rows, gates.columns, (token, f) =>
    naiveInner(activation, at(gates, token, f), at(ups, token, first + f)),
  );
}

/** The activation that most architectures have. */
export const silu: Activation = { kind: 'silu', gated: true };

/** Case by case as the models write it: OpenAI's gpt-oss, DeepSeek-V4's clamp before, Step-3.5's after the function. */
function naiveInner(activation: Activation, first: number, second: number): number {
  const { kind, gated, alpha = 1, limit, limitOf, upOffset } = activation;
  const isAfter = limitOf === 'output';
  const gate = limit !== undefined && !isAfter && first > limit ? limit : first;
  const given = naiveActivation(kind, gate, alpha);
  const value = limit !== undefined && isAfter && given > limit ? limit : given;
  if (!gated) return value;
  const isLarge = limit !== undefined && Math.abs(second) > limit;
  const up = isLarge ? limit * Math.sign(second) : second;
  return upOffset === undefined ? value * up : value * (up + upOffset);
}

function naiveActivation(kind: ActivationKind, x: number, alpha: number): number {
  if (kind === 'silu') return x * naiveSigmoid(alpha * x);
  if (kind === 'gelu') return (x / 2) * (1 + naiveErf(x / Math.sqrt(2)));
  if (kind === 'relu2') return x > 0 ? x * x : 0;
  return (x / 2) * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
}

export function naiveSigmoid(x: number): number {
  return 1 / (1 + Math.exp(-x));
}

/** Simpson's rule over 2/√π e^(-t²) from 0 to x; the error is below 1e-9 for |x| < 6, where erf is 1 to 1e-16. */
function naiveErf(x: number): number {
  if (Math.abs(x) > 6) return Math.sign(x);
  const steps = 400;
  const width = x / steps;
  let sum = 1 + Math.exp(-x * x);
  for (let i = 1; i < steps; i++) sum += (i % 2 === 1 ? 4 : 2) * Math.exp(-((i * width) ** 2));
  return (2 / Math.sqrt(Math.PI)) * (width / 3) * sum;
}
