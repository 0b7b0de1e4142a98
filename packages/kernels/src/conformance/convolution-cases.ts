// convolution: sequences known as plain lists of inputs, whose states go from slot to slot: to new ones, back to old ones, and
// from one to several.
//
// Shapes: C channels, k taps.
import type { StateCacheSpec } from '../resources.js';
import type { ConvolutionSpec, StateSegment } from '../step.js';
import { assertRefused, type Bench, type Case } from './bench.js';
import { assertCloseBySize, assertSame } from './compare.js';

interface Setting {
  readonly channels: number;
  readonly taps: number;
  readonly gated: boolean;
  /** Whether a bias and silu follow, in rows with columns before and behind the channels. */
  readonly within?: boolean;
  /** Where the channels are among columns of x, before silu. */
  readonly among?: { readonly columns: number } & NonNullable<ConvolutionSpec['columns']>;
}

/** Columns before the channels of wider rows; as many are behind them. */
const before = 3;

function columnsOf({ channels, gated, within, among }: Setting): number {
  if (within === true) return channels + 2 * before;
  return among?.columns ?? (gated ? 3 * channels : channels);
}

const layers = 2;

/** All inputs of a sequence so far, of each layer: [tokens][C]. */
type PastInputs = readonly number[][][];

/** Runs steps over both layers and compares each with the histories of its slots. */
async function check(
  bench: Bench,
  setting: Setting,
  slots: number,
  steps: readonly (readonly StateSegment[])[],
): Promise<void> {
  const { channels, taps, gated, within = false, among } = setting;
  const spec: StateCacheSpec = { layers, parts: channels, size: taps - 1, slots };
  const cache = bench.states(spec);
  const columns = columnsOf(setting);
  const weights = Array.from({ length: layers }, () => bench.random.normals(channels * taps));
  const vectors = await Promise.all(weights.map((weight) => bench.vector(weight)));
  // What no segment names must not be read.
  const untouched = bench.input({
    rows: slots,
    columns,
    values: new Float32Array(slots * columns).fill(NaN),
  });
  const all = Array.from({ length: slots }, (_, to): StateSegment => ({ tokens: 1, from: -1, to }));
  const biases = Array.from({ length: layers }, () => bench.random.normals(channels));
  const added = await Promise.all(biases.map((bias) => bench.vector(bias)));
  const convolves = added.map((bias) => ({
    ...{ taps, gated },
    ...(within && { first: before, bias, silu: true }),
    ...(among && { columns: { groups: among.groups, parts: among.parts }, silu: true }),
  }));
  const histories = new Map<number, PastInputs>();

  for (let layer = 0; layer < layers; layer++) {
    const vector = vectors[layer] as (typeof vectors)[0];
    const convolve = convolves[layer] as (typeof convolves)[0];
    await bench.run((step) => step.convolution(untouched(step), vector, cache, layer, all, convolve));
  }
  for (const [index, segments] of steps.entries()) {
    const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0);
    const next = segments.map(({ from }) =>
      Array.from({ length: layers }, (_, layer) => [...(histories.get(from)?.[layer] ?? [])]),
    );
    for (let layer = layers - 1; layer >= 0; layer--) {
      const x = bench.normals(tokens, columns);
      const input = bench.input(x);
      const vector = vectors[layer] as (typeof vectors)[0];
      const convolve = convolves[layer] as (typeof convolves)[0];
      const output = await bench.run((step) =>
        step.convolution(input(step), vector, cache, layer, segments, convolve),
      );
      const values = Array.from(x.values);
      let row = 0;
      const expected = segments.flatMap(({ tokens: own }, i) =>
        Array.from({ length: own }, () => {
          const numbers = values.slice(row * columns, ++row * columns);
          const inputs = next[i]?.[layer] as number[][];
          const sums = naiveConvolution(numbers, inputs, weights[layer] as Float32Array, setting);
          if (among !== undefined) return sums.map(({ value, size }) => ({ value: silu(value), size }));
          if (!within) return sums;
          const bias = biases[layer] as Float32Array;
          return sums.map(({ value, size }, c) => {
            const added = bias[c] as number;
            return { value: silu(value + added), size: Math.hypot(size, added) };
          });
        }).flat(),
      );
      const [sums, sizes] = [expected.map(({ value }) => value), expected.map(({ size }) => size)];
      assertCloseBySize(`step ${index}, layer ${layer}`, output, sums, sizes, bench.tolerance.float);
    }
    for (const [i, { to }] of segments.entries()) histories.set(to, next[i] as PastInputs);
  }
  bench.clear();
}

/** Adds one token to the inputs of its sequence. @returns C sums, and their sizes if nothing cancels */
function naiveConvolution(
  whole: readonly number[],
  inputs: number[][],
  weight: Float32Array,
  { channels, taps, gated, within, among }: Setting,
): { value: number; size: number }[] {
  const chosen = among?.parts.flatMap(({ at, stride, width }) =>
    Array.from({ length: among.groups }, (_, g) => whole.slice(at + g * stride, at + g * stride + width)),
  );
  const row = chosen?.flat() ?? whole;
  const first = within === true ? before : 0;
  const part = (index: number) => row.slice(first + index * channels, first + (index + 1) * channels);
  inputs.push(gated ? part(0).map((b, c) => b * (part(2)[c] as number)) : part(0));
  const seen = inputs.slice(-taps);
  return Array.from({ length: channels }, (_, c) => {
    const factor = gated ? (part(1)[c] as number) : 1;
    const products = seen.map((input, i) => {
      const tap = taps - seen.length + i;
      return factor * (weight[c * taps + tap] as number) * (input[c] as number);
    });
    return { value: products.reduce((sum, product) => sum + product, 0), size: Math.hypot(...products) };
  });
}

function silu(x: number): number {
  return x / (1 + Math.exp(-x));
}

const settings: Record<string, Setting> = {
  'one channel, 2 taps': { channels: 1, taps: 2, gated: false },
  '3 taps, gates': { channels: 64, taps: 3, gated: true },
  '4 taps': { channels: 40, taps: 4, gated: false },
  'channels that fill no vector, gates': { channels: 37, taps: 4, gated: true },
  'more channels than a workgroup has': { channels: 515, taps: 3, gated: true },
  '9 taps': { channels: 6, taps: 9, gated: false },
  'bias and silu within wider rows': { channels: 38, taps: 4, gated: false, within: true },
  'channels of groups among other columns, silu': {
    channels: 300,
    taps: 4,
    gated: false,
    among: {
      columns: 620,
      groups: 5,
      parts: [
        { at: 3, stride: 120, width: 16 },
        { at: 19, stride: 120, width: 14 },
        { at: 40, stride: 120, width: 30 },
      ],
    },
  },
  'six groups among other columns, silu': {
    channels: 60,
    taps: 3,
    gated: false,
    among: {
      columns: 90,
      groups: 6,
      parts: [
        { at: 4, stride: 14, width: 3 },
        { at: 8, stride: 14, width: 7 },
      ],
    },
  },
  'six groups whose columns follow each other, silu': {
    channels: 60,
    taps: 3,
    gated: false,
    among: {
      columns: 70,
      groups: 6,
      parts: [
        { at: 5, stride: 3, width: 3 },
        { at: 23, stride: 7, width: 7 },
      ],
    },
  },
};

/** One sequence, between two slots in turn. */
const alone = (...tokens: number[]): StateSegment[][] =>
  tokens.map((count, i) => [{ tokens: count, from: i === 0 ? -1 : (i + 1) % 2, to: i % 2 }]);

export const convolutionCases: readonly Case[] = [
  ...Object.entries(settings).map(
    ([name, setting]): Case => ({
      name: `convolution: ${name}`,
      async run(bench) {
        await check(bench, setting, 4, alone(1, 1, 1, 2, 7, 1));
        await check(bench, setting, 4, alone(12, 1, 1, 3));
      },
    }),
  ),
  {
    name: 'convolution: prefill of 300, then decode',
    run: (bench) => check(bench, { channels: 24, taps: 3, gated: true }, 3, alone(300, 1, 1)),
  },
  {
    name: 'convolution: sequences of different lengths in one step',
    run: (bench) =>
      check(bench, { channels: 33, taps: 4, gated: true }, 9, [
        [
          { tokens: 1, from: -1, to: 7 },
          { tokens: 2, from: -1, to: 0 },
          { tokens: 20, from: -1, to: 3 },
        ],
        [
          { tokens: 1, from: 3, to: 1 },
          { tokens: 1, from: 7, to: 2 },
          { tokens: 1, from: 0, to: 8 },
        ],
        [
          { tokens: 5, from: 8, to: 0 },
          { tokens: 3, from: -1, to: 7 },
          { tokens: 1, from: 2, to: 3 },
        ],
      ]),
  },
  {
    name: 'convolution: a state that sequences share, and one that is gone back to',
    run: (bench) =>
      check(bench, { channels: 16, taps: 4, gated: false }, 5, [
        [{ tokens: 9, from: -1, to: 2 }],
        [
          { tokens: 1, from: 2, to: 0 },
          { tokens: 2, from: 2, to: 4 },
        ],
        [{ tokens: 1, from: 4, to: 1 }],
        [
          { tokens: 6, from: 2, to: 1 },
          { tokens: 1, from: 0, to: 3 },
        ],
      ]),
  },
  {
    name: 'convolution: chunks of any sizes give the same bits, and so does a step that is run again',
    async run(bench) {
      const [channels, taps, tokens] = [21, 4, 17];
      const x = bench.random.normals(tokens * 3 * channels);
      const weight = await bench.vector(bench.random.normals(channels * taps));
      const cache = bench.states({ layers: 1, parts: channels, size: taps - 1, slots: 2 });
      const run = async (...chunks: number[]): Promise<Float32Array> => {
        const output = new Float32Array(tokens * channels);
        let start = 0;
        for (const [i, count] of chunks.entries()) {
          const rows = x.subarray(start * 3 * channels, (start + count) * 3 * channels);
          const segment = { tokens: count, from: i === 0 ? -1 : (i + 1) % 2, to: i % 2 };
          for (let again = 0; again < 2; again++) {
            const values = await bench.run((step) =>
              step.convolution(step.input(rows, count), weight, cache, 0, [segment], { taps, gated: true }),
            );
            output.set(values, start * channels);
          }
          start += count;
        }
        return output;
      };
      const whole = await run(tokens);
      assertSame('one by one', await run(...Array.from({ length: tokens }, () => 1)), whole);
      assertSame('pieces', await run(2, 5, 1, 1, 8), whole);
    },
  },
  {
    name: 'convolution: segments, weights and caches that do not fit are refused',
    async run(bench) {
      const cache = bench.states({ layers: 1, parts: 8, size: 2, slots: 3 });
      const [weight, short] = [bench.random.normals(24), bench.random.normals(16)];
      const [own, other] = [await bench.vector(weight), await bench.vector(short)];
      const x = bench.input(bench.normals(3, 8));
      const good = { tokens: 3, from: -1, to: 0 };
      const spec = { taps: 3, gated: false };
      const refuse = (what: string, found: string, change: Partial<Record<string, unknown>>) => {
        const all = { segments: [good], layer: 0, vector: own, spec, ...change } as {
          segments: StateSegment[];
          layer: number;
          vector: typeof own;
          spec: ConvolutionSpec;
        };
        return assertRefused(what, found, () =>
          bench.run((step) =>
            step.convolution(x(step), all.vector, cache, all.layer, all.segments, all.spec),
          ),
        );
      };
      const two = (first: Partial<StateSegment>, second: Partial<StateSegment>) => ({
        segments: [
          { ...good, tokens: 1, ...first },
          { ...good, tokens: 2, ...second },
        ],
      });
      await refuse('fewer tokens', '2', { segments: [{ ...good, tokens: 2 }] });
      await refuse('no tokens', '0', { segments: [{ ...good, tokens: 0 }] });
      await refuse('no segments', '0', { segments: [] });
      await refuse('a slot too far', '3', { segments: [{ ...good, to: 3 }] });
      await refuse('a state to nowhere', '-1', { segments: [{ ...good, to: -1 }] });
      await refuse('a state from before nothing', '-2', { segments: [{ ...good, from: -2 }] });
      await refuse('a state in place', 'slot 1, which one reads', {
        segments: [{ ...good, from: 1, to: 1 }],
      });
      await refuse(
        'a state that another reads',
        'slot 1, which one reads',
        two({ to: 1 }, { from: 1, to: 2 }),
      );
      await refuse('a slot of two', 'slot 2, which another writes', two({ to: 2 }, { to: 2 }));
      await refuse('a layer that is not there', '1', { layer: 1 });
      await refuse('weights of other length', '16', { vector: other });
      await refuse('other taps than the cache has inputs', '2', { spec: { taps: 4, gated: false } });
      await refuse('one tap', '1', { spec: { taps: 1, gated: false } });
      await refuse('gates that are not there', '8', { spec: { taps: 3, gated: true } });
      await refuse('silu beside gates', 'one', { spec: { taps: 3, gated: true, silu: true } });
      await refuse('channels beyond the row', '8', { spec: { taps: 3, gated: false, first: 1 } });
      await refuse('a bias of other length', '16', { spec: { taps: 3, gated: false, bias: other } });
      const among = (at: number, width: number) => ({
        spec: { ...spec, columns: { groups: 2, parts: [{ at, stride: 4, width }] } },
      });
      await refuse('columns that are not there', '9', among(1, 4));
      await refuse('fewer columns than channels', '6', among(0, 3));
      await refuse('columns and a first one', 'both', { spec: { ...among(0, 4).spec, first: 0 } });
      await assertRefused('a cache without slots', '0', () =>
        bench.states({ layers: 1, parts: 8, size: 2, slots: 0 }),
      );
      bench.release(cache);
      await assertRefused('a released cache', 'one that is released', () =>
        bench.run((step) => step.convolution(x(step), own, cache, 0, [good], spec)),
      );
    },
  },
];
