// Attention over sequences kept as plain lists of keys and values, one entry a position, with no pages and no cache.
//
// Shapes: H heads, HK key/value heads, C head dimension, CV value dimension.
import type { AttentionSpec, RopeSpec } from '../step.js';

/** One sequence in one layer: per position HK keys of C and HK values of CV. */
export interface NaiveSequence {
  readonly keys: number[][][];
  readonly values: number[][][];
}

export interface NaiveNorms {
  readonly query?: ArrayLike<number>;
  readonly key?: ArrayLike<number>;
}

/**
 * Adds one token at `position`, dropping what the sequence held from there on, and attends.
 * @param row H C queries, HK C keys, HK CV values
 * @returns H * CV numbers
 */
export function naiveAttention(
  row: readonly number[],
  position: number,
  sequence: NaiveSequence,
  spec: AttentionSpec,
  norms: NaiveNorms,
): number[] {
  const { heads, kvHeads, headDim, scale, window = Infinity } = spec;
  const keysAt = heads * headDim;
  const valuesAt = keysAt + kvHeads * headDim;
  const valueDim = (row.length - valuesAt) / kvHeads;
  const clip = (x: number): number =>
    spec.clip === undefined ? x : Math.max(-spec.clip, Math.min(spec.clip, x));

  const queries = prepare(row.slice(0, keysAt), spec.queryNorm, norms.query);
  const keys = prepare(row.slice(keysAt, valuesAt), spec.keyNorm, norms.key);
  sequence.keys.length = position;
  sequence.values.length = position;
  sequence.keys.push(keys);
  sequence.values.push(split(row.slice(valuesAt).map(clip), valueDim));

  const firstSeen = Math.max(0, position - window + 1);
  return queries.flatMap((query, head) => {
    const kvHead = Math.floor(head / (heads / kvHeads));
    const seenKeys = sequence.keys.slice(firstSeen).map((each) => each[kvHead] as number[]);
    const seenValues = sequence.values.slice(firstSeen).map((each) => each[kvHead] as number[]);
    const scores = seenKeys.map((key) => scale * dot(query, key));
    const max = Math.max(...scores);
    const powers = scores.map((score) => Math.exp(score - max));
    const sum = powers.reduce((total, power) => total + power, 0);
    return Array.from(
      { length: valueDim },
      (_, c) =>
        seenValues.reduce((total, value, i) => total + (powers[i] as number) * (value[c] as number), 0) / sum,
    );
  });

  function prepare(
    x: number[],
    norm: AttentionSpec['queryNorm'],
    weight: ArrayLike<number> = [],
  ): number[][] {
    const normed =
      norm === undefined
        ? x
        : norm.over === 'all'
          ? normalize(x, weight, norm.epsilon)
          : split(x, headDim).flatMap((head) => normalize(head, weight, norm.epsilon));
    return split(normed.map(clip), headDim).map((head) => turn(head, position, spec.rope));
  }
}

/** x / rms(x) * weight */
export function normalize(x: readonly number[], weight: ArrayLike<number>, epsilon: number): number[] {
  const root = Math.sqrt(dot(x, x) / x.length + epsilon);
  return x.map((value, i) => (value / root) * (weight[i] as number));
}

/** Multiplies the pairs, as complex numbers, by factor * e^(i angle). */
export function turn(head: readonly number[], position: number, rope: RopeSpec | null): number[] {
  if (rope === null) return [...head];
  const turned = [...head];
  const pairs = rope.inverseFrequencies.length;
  rope.inverseFrequencies.forEach((frequency, i) => {
    const angle = Math.fround(position * frequency);
    const [real, imaginary] = rope.style === 'halves' ? [i, i + pairs] : [2 * i, 2 * i + 1];
    const cos = rope.attentionFactor * Math.cos(angle);
    const sin = rope.attentionFactor * Math.sin(angle);
    turned[real] = (head[real] as number) * cos - (head[imaginary] as number) * sin;
    turned[imaginary] = (head[real] as number) * sin + (head[imaginary] as number) * cos;
  });
  return turned;
}

export function split(x: readonly number[], width: number): number[][] {
  return Array.from({ length: x.length / width }, (_, i) => x.slice(i * width, (i + 1) * width));
}

export function dot(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}
