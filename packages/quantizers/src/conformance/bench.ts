// What the cases share: random weights, and quantizing with all that is checked of every result.
import type { QuantizedTensor } from '@moeq/tensors';
import type { Quantizer } from '../quantizer.js';

export type Shape = readonly [rows: number, columns: number];

export interface Bench {
  readonly make: () => Quantizer;
  /** Largest root mean square error on normal weights, over their own. */
  readonly tolerance: number;
  /** Uniform in [0, 1). */
  readonly random: () => number;
}

export interface Case {
  readonly name: string;
  run(bench: Bench): void;
}

let claims = 0;

/** How many claims have been checked so far; a case that checks none has tested nothing. */
export function claimsChecked(): number {
  return claims;
}

/** @throws an Error that says so unless it holds */
export function claim(holds: boolean, sentence: string): asserts holds {
  claims++;
  if (!holds) throw new Error(sentence);
}

/** mulberry32, by Tommy Ettinger: the whole period of 2^32, good enough for weights. */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Normal weights of that standard deviation, by Box and Muller. */
export function normalWeights(random: () => number, count: number, deviation = 0.02): Float32Array {
  return Float32Array.from({ length: count }, () => {
    const radius = Math.sqrt(-2 * Math.log(1 - random()));
    return deviation * radius * Math.cos(2 * Math.PI * random());
  });
}

/** Quantizes as bfloat16 weights named `weight`. */
export function quantize(quantizer: Quantizer, weights: Float32Array, shape: Shape): QuantizedTensor {
  return quantizer.quantize(weights, shape, { name: 'weight', dtype: 'BF16' });
}

/** Quantizes and dequantizes; the values are checked to be as many and finite. */
export function roundTrip(quantizer: Quantizer, weights: Float32Array, shape: Shape): Float32Array {
  const values = quantizer.dequantize(quantize(quantizer, weights, shape));
  claim(values.length === weights.length, `${values.length} values of ${weights.length} weights [${shape}]`);
  const bad = values.findIndex((value) => !Number.isFinite(value));
  claim(bad < 0, `the weight ${weights[bad]} of [${shape}] came back as ${values[bad]}`);
  return values;
}

/** Root mean square of the difference over that of the weights; 0 where both are zero. */
export function relativeError(weights: Float32Array, values: Float32Array): number {
  let error = 0;
  let power = 0;
  for (let i = 0; i < weights.length; i++) {
    error += ((weights[i] as number) - (values[i] as number)) ** 2;
    power += (weights[i] as number) ** 2;
  }
  return error === 0 ? 0 : Math.sqrt(error / power);
}

/** Throws unless the error is a number and within. */
export function claimError(what: string, error: number, tolerance: number): void {
  claim(error <= tolerance, `${what}: relative error ${error.toPrecision(4)}, expected at most ${tolerance}`);
}

export function sameNumbers(a: Float32Array, b: Float32Array): boolean {
  return a.length === b.length && a.every((value, index) => Object.is(value, b[index]));
}

/** The planes of a tensor as text, to compare. */
export function planesText({ planes }: QuantizedTensor): string {
  const texts = Object.entries(planes).map(([name, { dtype, data }]) => `${name} ${dtype} ${data.join()}`);
  return texts.sort().join('; ');
}

/** Whether a function throws an error. */
export function refuses(action: () => unknown): boolean {
  try {
    action();
  } catch (error) {
    return error instanceof Error;
  }
  return false;
}
