// Attention over sequences kept as plain lists of keys and values, one entry a position, with no pages and no cache.
//
// Shapes: H heads, HK key/value heads, C head dimension, CV value dimension.
import type { AttentionSpec, QueryFactor, RopeSpec } from '../step.js';

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
 * @param whole H C queries, HK C keys, HK CV values, with gates between queries or at the end
 * @param sinks of each head: a score beside those of the tokens
 * @returns H * CV numbers
 */
export function naiveAttention(
  whole: readonly number[],
  position: number,
  sequence: NaiveSequence,
  spec: AttentionSpec,
  norms: NaiveNorms,
  valueDim = spec.headDim,
  sinks?: ArrayLike<number>,
): number[] {
  const { heads, kvHeads, headDim, scale, window = Infinity } = spec;
  const { gates, row } = gatesApart(whole, spec, valueDim);
  const keysAt = heads * headDim;
  const valuesAt = keysAt + kvHeads * headDim;
  const clip = (x: number): number =>
    spec.clip === undefined ? x : Math.max(-spec.clip, Math.min(spec.clip, x));

  const queries = prepare(row.slice(0, keysAt), spec.queryNorm, norms.query).map((head) =>
    head.map((value) => value * naiveFactor(spec.queryFactor, position)),
  );
  if (spec.keysInCache !== true) {
    const keys = prepare(row.slice(keysAt, valuesAt), spec.keyNorm, norms.key);
    sequence.keys.length = position;
    sequence.values.length = position;
    sequence.keys.push(keys);
    const raw = split(row.slice(spec.keysAsValues === true ? keysAt : valuesAt), valueDim);
    const { valueNorm } = spec;
    const values = raw.map((head) =>
      valueNorm === undefined ? head : normalize(head, new Array(valueDim).fill(1), valueNorm.epsilon),
    );
    sequence.values.push(values.map((head) => head.map(clip)));
  }

  const { chunked } = spec;
  const firstSeen = chunked ? Math.floor(position / window) * window : Math.max(0, position - window + 1);
  return queries.flatMap((query, head) => {
    const kvHead = Math.floor(head / (heads / kvHeads));
    const seenKeys = sequence.keys.slice(firstSeen, position + 1).map((each) => each[kvHead] as number[]);
    const seenValues = sequence.values.slice(firstSeen, position + 1).map((each) => each[kvHead] as number[]);
    const scores = seenKeys.map((key) => scale * dot(query, key));
    const sink = sinks?.[head];
    const max = Math.max(...scores, ...(sink === undefined ? [] : [sink]));
    const powers = scores.map((score) => Math.exp(score - max));
    const others = sink === undefined ? 0 : Math.exp(sink - max);
    const sum = powers.reduce((total, power) => total + power, others);
    return Array.from(
      { length: valueDim },
      (_, c) =>
        (gates?.[head]?.[c] ?? 1) *
        (seenValues.reduce((total, value, i) => total + (powers[i] as number) * (value[c] as number), 0) /
          sum),
    );
  });

  function prepare(
    x: number[],
    norm: AttentionSpec['queryNorm'],
    weight: ArrayLike<number> = [],
  ): number[][] {
    if (spec.normsTurned === true) {
      const heads = split(x, headDim).map((head) => turn(head, position, spec.rope));
      return heads.map((head) =>
        (norm === undefined ? head : normalize(head, weight, norm.epsilon)).map(clip),
      );
    }
    const normed =
      norm === undefined
        ? x
        : norm.over === 'all'
          ? normalize(x, weight, norm.epsilon)
          : split(x, headDim).flatMap((head) => normalize(head, weight, norm.epsilon));
    return split(normed.map(clip), headDim).map((head) => turn(head, position, spec.rope));
  }
}

/** log(1 + n), n the whole steps that a position is behind the first. */
export function naiveFactor(factor: QueryFactor | undefined, position: number): number {
  if (factor === undefined) return 1;
  const { slope, every, offset } = factor;
  return 1 + slope * Math.log(1 + Math.floor((position + offset) / every));
}

/** A row without gates, and what each head's numbers [CV] are multiplied by; null: nothing. */
function gatesApart(
  whole: readonly number[],
  { heads, headDim, gate }: AttentionSpec,
  valueDim: number,
): { gates: number[][] | null; row: readonly number[] } {
  if (gate === undefined) return { gates: null, row: whole };
  const width = gate.per === 'head' ? 1 : valueDim;
  const between = gate.placed === 'withQueries';
  const end = whole.length - heads * width;
  const runs = split(whole.slice(0, heads * (headDim + width)), headDim + width);
  const raw = between ? runs.map((run) => run.slice(headDim)) : split(whole.slice(end), width);
  const row = between
    ? [...runs.flatMap((run) => run.slice(0, headDim)), ...whole.slice(heads * (headDim + width))]
    : whole.slice(0, end);
  const f = (g: number): number =>
    gate.kind === 'sigmoid' ? 1 / (1 + Math.exp(-g)) : g > 30 ? g : Math.log(1 + Math.exp(g));
  const gates = raw.map((own) =>
    Array.from({ length: valueDim }, (_, c) => f(own[gate.per === 'head' ? 0 : c] as number)),
  );
  return { gates, row };
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
