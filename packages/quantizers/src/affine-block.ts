// Scale and zero of one block of 4-bit integers: weight = (code - zero) * scale, codes 0 to 15.
//
// The search tries ranges around the full one: a narrower range cuts off the largest weights and is finer for all others.
// With d = code - zero, the codes of a candidate are served best by the scale sum(w d) / sum(d d), which leaves the squared
// error sum(w w) - sum(w d)^2 / sum(d d); the candidate with the largest last term wins, as in ggml's make_qx_quants.
import { finiteScale, roundToEven } from './rounding.js';

/** Filled in by fitBlock, so that no object is made for each block. */
export interface BlockFit {
  /** A float32; 0 for a block of zeros. */
  scale: number;
  zero: number;
}

/** The largest code, and the largest distance from zero of an asymmetric one. */
const top = 15;

/** Zero of symmetric codes, and their largest distance from it. */
const middle = 8;

/**
 * Ranges that the search tries, as fractions of the full one, which is among them. On normal weights their error is within
 * 0.5 % of what four hundred candidates reach.
 */
const ranges = [1.1, 1.05, 1, 0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65];

/**
 * Scale and zero for weights `first` to `last`.
 * @param search by the least squared error instead of by the largest weight
 */
export function fitBlock(
  weights: Float32Array,
  first: number,
  last: number,
  symmetric: boolean,
  search: boolean,
  fit: BlockFit,
): void {
  let low = 0;
  let high = 0;
  for (let i = first; i < last; i++) {
    const weight = weights[i] as number;
    if (weight < low) low = weight;
    else if (weight > high) high = weight;
  }
  const step = (symmetric ? 2 * Math.max(-low, high) : high - low) / top;
  const distance = symmetric ? middle : top;
  fit.scale = finiteScale(step, distance);
  fit.zero = symmetric ? middle : fit.scale === 0 ? 0 : clamp(roundToEven(-low / step));
  if (search && fit.scale > 0)
    fit.scale = finiteScale(searchScale(weights, first, last, step, fit.zero), distance);
}

/** @param step the scale of the full range */
function searchScale(weights: Float32Array, first: number, last: number, step: number, zero: number): number {
  let best = 0;
  let bestScale = step;
  for (let candidate = 0; candidate < ranges.length; candidate++) {
    const reciprocal = 1 / (step * (ranges[candidate] as number));
    let products = 0;
    let squares = 0;
    for (let i = first; i < last; i++) {
      const weight = weights[i] as number;
      const distance = clamp(roundToEven(weight * reciprocal) + zero) - zero;
      products += weight * distance;
      squares += distance * distance;
    }
    const gain = (products * products) / squares;
    if (gain > best) {
      best = gain;
      bestScale = products / squares;
    }
  }
  return bestScale;
}

/** Codes of weights `first` to `last`, to the nearest, ties of the float32 quotient to even; the zero where the scale is 0. */
export function encodeBlock(
  weights: Float32Array,
  first: number,
  last: number,
  { scale, zero }: BlockFit,
  codes: Uint8Array,
): void {
  for (let i = first; i < last; i++) {
    codes[i] = scale === 0 ? zero : clamp(roundToEven(Math.fround((weights[i] as number) / scale)) + zero);
  }
}

function clamp(code: number): number {
  return code < 0 ? 0 : Math.min(code, top);
}
