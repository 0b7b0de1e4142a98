// The gated delta rule in float64, written from the papers (arXiv 2412.06464, 2510.26692): S = (I - b k kᵀ) a S + b k vᵀ.
//
// Shapes: H heads, HK key heads, C key dimension, CV value dimension.
import type { DeltaRuleSpec } from '../step.js';

/** S of each head: [H][C][CV]. */
export type NaiveStates = number[][][];

export interface NaiveDeltaWeights {
  /** [H] */
  readonly rates: ArrayLike<number>;
  /** [H], by channel [H C] */
  readonly biases: ArrayLike<number>;
  /** [CV] */
  readonly norm: ArrayLike<number>;
}

/** What a token brings. */
export interface NaiveDeltaRow {
  readonly qkv: readonly number[];
  readonly beta: readonly number[];
  readonly decay: readonly number[];
  readonly gate: readonly number[];
}

export const emptyStates = ({ heads, keyDim, valueDim }: DeltaRuleSpec): NaiveStates =>
  Array.from({ length: heads }, () => Array.from({ length: keyDim }, () => Array(valueDim).fill(0)));

/** What one token gives. */
export interface NaiveDeltaResult {
  /** After it. */
  readonly states: NaiveStates;
  /** [H CV] */
  readonly output: number[];
  /** [H CV], what an output would be typically if no sum behind it cancelled; `output` is divided by the size of what is left. */
  readonly sizes: number[];
}

/** Adds one token. */
export function naiveDeltaRule(
  { qkv, beta, decay, gate }: NaiveDeltaRow,
  states: NaiveStates,
  spec: DeltaRuleSpec,
  { rates, biases, norm }: NaiveDeltaWeights,
): NaiveDeltaResult {
  const { heads, keyHeads, keyDim, valueDim, places } = spec;
  const group = heads / keyHeads;
  const next: NaiveStates = [];
  const sizes: number[] = [];
  const output = states.flatMap((state, head) => {
    const keyHead = Math.floor(head / group);
    const part = (row: readonly number[], start: number, width: number) => row.slice(start, start + width);
    const placed = (row: readonly number[], { at, stride }: { at: number; stride: number }, width: number) =>
      part(row, at + keyHead * stride + (head - keyHead * group) * width, width);
    const q = unit(part(qkv, keyHead * keyDim, keyDim)).map((x) => x / Math.sqrt(keyDim));
    const k = unit(part(qkv, (keyHeads + keyHead) * keyDim, keyDim));
    const value = part(qkv, 2 * keyHeads * keyDim + head * valueDim, valueDim);
    const perHead = spec.decayPer === 'head';
    const raw = placed(decay, places.decay, perHead ? 1 : keyDim);
    const factors = k.map((_, i) => {
      const bias = biases[perHead ? head : head * keyDim + i] as number;
      return Math.exp(-Math.exp(rates[head] as number) * softplus((raw[perHead ? 0 : i] as number) + bias));
    });
    const [strength = 0] = placed(beta, places.beta, 1).map(sigmoid);
    const decayed = state.map((row, i) => row.map((s) => s * (factors[i] as number)));
    const known = value.map((_, j) => sum(k.map((x, i) => x * (decayed[i]?.[j] as number))));
    const after = decayed.map((row, i) =>
      row.map((s, j) => s + strength * (k[i] as number) * ((value[j] as number) - (known[j] as number))),
    );
    next.push(after);
    const found = value.map((_, j) => sum(q.map((x, i) => x * (after[i]?.[j] as number))));
    // of the squares of what is summed: in what is known, in the state, in what is found
    const terms = value.map((v, j) => {
      const known2 = sum(k.map((x, i) => (x * (decayed[i]?.[j] as number)) ** 2));
      const state2 = (i: number) =>
        (decayed[i]?.[j] as number) ** 2 + (strength * (k[i] as number)) ** 2 * (v * v + known2);
      return sum(q.map((x, i) => x * x * state2(i)));
    });
    const meanTerms = Math.sqrt(sum(terms) / valueDim);
    const root = Math.sqrt(sum(found.map((x) => x * x)) / valueDim + spec.epsilon);
    return placed(gate, places.gate, valueDim).map((z, j) => {
      const factor = ((norm[j] as number) * (spec.gate === 'silu' ? z * sigmoid(z) : sigmoid(z))) / root;
      const result = found[j] as number;
      const size = Math.sqrt(terms[j] as number) + Math.abs(result) * Math.max(1, meanTerms / root);
      sizes.push(Math.abs(factor) * size);
      return result * factor;
    });
  });
  return { states: next, output, sizes };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));
const softplus = (x: number): number => (x > 30 ? x : Math.log(1 + Math.exp(x)));

function unit(x: readonly number[]): number[] {
  const length = Math.sqrt(sum(x.map((value) => value * value)) + 1e-6);
  return x.map((value) => value / length);
}
