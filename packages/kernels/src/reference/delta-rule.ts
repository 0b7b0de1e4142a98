// The gated delta rule over states in slots, in float32, token after token; `Step.deltaRule` has the formula.
//
// Shapes: T tokens, H heads, HK key heads, C key dimension, CV value dimension.
import type { DeltaRuleSpec, GroupPlace, StateSegment } from '../step.js';
import { sigmoid } from './activation.js';
import type { Result } from './types.js';

/** Of the lengths of queries and keys. */
const lengthEpsilon = 1e-6;

interface Inputs {
  readonly beta: Result;
  readonly decay: Result;
  readonly gate: Result;
}

/**
 * Reads and writes the states of one layer.
 * @param qkv Float32 [T, 2 HK C + H CV]
 * @param weights Float32: A [H], the bias of decays [H] or [H, C], the norm's weights [CV]
 * @param states Float32 [slots, H, C, CV]
 * @returns Float32 [T, H CV]
 */
export function deltaRule(
  qkv: Result,
  { beta, decay, gate }: Inputs,
  weights: Float32Array,
  states: Float32Array,
  segments: readonly StateSegment[],
  spec: DeltaRuleSpec,
): Float32Array {
  const { heads, keyHeads, keyDim, valueDim, places } = spec;
  const group = heads / keyHeads;
  const size = keyDim * valueDim;
  const decays = spec.decayPer === 'head' ? 1 : keyDim;
  const norm = weights.subarray(weights.length - valueDim);
  const output = new Float32Array(qkv.rows * heads * valueDim);

  for (let head = 0; head < heads; head++) {
    const keyHead = Math.floor(head / group);
    const own = ({ values, columns }: Result, { at, stride }: GroupPlace, width: number, row: number) => {
      const first = row * columns + at + keyHead * stride + (head % group) * width;
      return values.subarray(first, first + width);
    };
    const rate = Math.exp(weights[head] as number);
    const bias = weights.subarray(heads + head * decays, heads + (head + 1) * decays);
    let row = 0;
    for (const { tokens, from, to } of segments) {
      const first = (slot: number): number => (slot * heads + head) * size;
      const state = states.subarray(first(to), first(to) + size);
      if (from < 0) state.fill(0);
      else state.set(states.subarray(first(from), first(from) + size));
      for (let token = 0; token < tokens; token++, row++) {
        const at = row * qkv.columns;
        const of = (start: number, width: number) => qkv.values.subarray(at + start, at + start + width);
        const query = unit(of(keyHead * keyDim, keyDim), keyDim ** -0.5);
        const key = unit(of((keyHeads + keyHead) * keyDim, keyDim), 1);
        const value = of(2 * keyHeads * keyDim + head * valueDim, valueDim);
        const factors = own(decay, places.decay, decays, row).map((x, i) =>
          Math.exp(-rate * softplus(x + (bias[i] as number))),
        );
        const strength = sigmoid(own(beta, places.beta, 1, row)[0] as number);
        const result = advance(state, query, key, value, factors, strength);
        const square = result.reduce((sum, x) => sum + x * x, 0) / valueDim;
        const root = 1 / Math.sqrt(square + spec.epsilon);
        own(gate, places.gate, valueDim, row).forEach((z, j) => {
          const factor = spec.gate === 'silu' ? z * sigmoid(z) : sigmoid(z);
          output[(row * heads + head) * valueDim + j] =
            (result[j] as number) * root * (norm[j] as number) * factor;
        });
      }
    }
  }
  return output;
}

/** One token: what becomes of the state [C, CV], and what the query finds in it [CV]. */
function advance(
  state: Float32Array,
  query: Float32Array,
  key: Float32Array,
  value: Float32Array,
  factors: Float32Array,
  strength: number,
): Float32Array {
  const columns = value.length;
  const result = new Float32Array(columns);
  for (let j = 0; j < columns; j++) {
    let known = 0;
    for (const [i, k] of key.entries()) {
      const at = i * columns + j;
      const factor = factors[factors.length === 1 ? 0 : i] as number;
      state[at] = factor * (state[at] as number);
      known += k * (state[at] as number);
    }
    const change = Math.fround(strength * ((value[j] as number) - known));
    let found = 0;
    for (const [i, k] of key.entries()) {
      const at = i * columns + j;
      state[at] = (state[at] as number) + k * change;
      found += (query[i] as number) * (state[at] as number);
    }
    result[j] = found;
  }
  return result;
}

/** x * scale / |x| */
function unit(x: Float32Array, scale: number): Float32Array {
  const square = x.reduce((sum, value) => sum + value * value, 0);
  const factor = scale / Math.sqrt(square + lengthEpsilon);
  return x.map((value) => value * factor);
}

/** ln(1 + e^x) */
function softplus(x: number): number {
  return Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));
}
