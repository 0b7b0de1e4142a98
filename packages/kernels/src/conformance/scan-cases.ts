// selectiveScan: sequences of every length against the recurrence in float64, with states that go from slot to slot; columns within
// wider rows; decays by head (Mamba 2) and by number of the state (Mamba).
//
// Shapes: H heads, P numbers of a head, N numbers of a state, G groups.
import type { Columns, ScanSpec, StateSegment, Step } from '../step.js';
import { assertRefused, type Bench, type Case } from './bench.js';
import { assertCloseBySize, assertSame } from './compare.js';
import type { Numbers } from './naive.js';
import { emptyScanState, naiveScan, type Sum } from './naive-scan.js';

const layers = 2;
const free = { leastTimeStep: 0, largestTimeStep: Infinity };

/** Columns before each part of a row, and behind the last. */
const gaps = { x: 3, bc: 0, timeStep: 5, gate: 2 };
type Part = keyof typeof gaps;
const parts = ['gate', 'x', 'bc', 'timeStep'] as const satisfies readonly Part[];

const widthsOf = ({ heads, headDim, stateDim, groups }: ScanSpec): Readonly<Record<Part, number>> => ({
  x: heads * headDim,
  bc: 2 * groups * stateDim,
  timeStep: heads,
  gate: heads * headDim,
});

/** Where the parts begin in a row that holds them all, and how wide it is. */
function rowOf(spec: ScanSpec) {
  const widths = widthsOf(spec);
  const first = { x: 0, bc: 0, timeStep: 0, gate: 0 };
  let columns = 0;
  for (const part of parts) {
    first[part] = columns + gaps[part];
    columns = first[part] + widths[part];
  }
  return { widths, first, columns: columns + 1 };
}

/** Decays as models have them, e^A from 1 to 16; biases of time steps from 0.001 to some. */
function parametersOf(bench: Bench, { heads, stateDim, decays }: ScanSpec): Float32Array {
  const { random } = bench;
  const rates = random.normals(decays === 'head' ? heads : heads * stateDim).map((value) => 1 + value);
  const biases = random.normals(heads).map((value) => 2 * value - 1);
  return Float32Array.from([...rates, ...biases, ...random.normals(heads)]);
}

/** Time steps are drawn wide, so that softplus is seen at both ends. */
function rowsFor(bench: Bench, spec: ScanSpec, tokens: number): Numbers & { readonly values: Float32Array } {
  const { first, widths, columns } = rowOf(spec);
  const values = bench.random.normals(tokens * columns);
  for (let row = 0; row < tokens; row++)
    for (let h = 0; h < widths.timeStep; h++) {
      const at = row * columns + first.timeStep + h;
      values[at] = 3 * (values[at] as number);
    }
  return { rows: tokens, columns, values };
}

/** The inputs in one row, or each in rows of its own that are no wider. */
function inputsOf(step: Step, { rows, columns, values }: Numbers, spec: ScanSpec, apart: boolean) {
  const { first, widths } = rowOf(spec);
  const all = Float32Array.from(values);
  const together = apart ? null : step.input(all, rows);
  const part = (name: Part): Columns => {
    if (together !== null) return { rows: together, first: first[name] };
    const own = Array.from({ length: rows }, (_, row) => {
      const start = row * columns + first[name];
      return Array.from(all.subarray(start, start + widths[name]));
    });
    return { rows: step.input(Float32Array.from(own.flat()), rows), first: 0 };
  };
  return { x: part('x'), bc: part('bc'), timeStep: part('timeStep'), gate: part('gate') };
}

const stateCache = ({ heads, headDim, stateDim }: ScanSpec, slots: number) => ({
  layers,
  parts: heads,
  size: headDim * stateDim,
  slots,
});

/** Runs steps over both layers and compares each with states that are kept by slot. */
async function check(
  bench: Bench,
  spec: ScanSpec,
  slots: number,
  steps: readonly (readonly StateSegment[])[],
): Promise<void> {
  const cache = bench.states(stateCache(spec, slots));
  const parameters = Array.from({ length: layers }, () => parametersOf(bench, spec));
  const vectors = await Promise.all(parameters.map((each) => bench.vector(each)));
  const { first, widths, columns } = rowOf(spec);
  const known = new Map<number, Sum[][][]>();

  for (const [index, segments] of steps.entries()) {
    const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0);
    const next = segments.map(({ from }) =>
      Array.from({ length: layers }, (_, layer) =>
        (known.get(from)?.[layer] ?? emptyScanState(spec)).map((row) => [...row]),
      ),
    );
    for (let layer = 0; layer < layers; layer++) {
      const rows = rowsFor(bench, spec, tokens);
      const vector = vectors[layer] as (typeof vectors)[0];
      const output = await bench.run((step) =>
        step.selectiveScan(inputsOf(step, rows, spec, index % 2 === 1), vector, cache, layer, segments, spec),
      );
      let row = 0;
      const expected = segments.flatMap(({ tokens: own }, i) =>
        Array.from({ length: own }, () => {
          const numbers = Array.from(rows.values.subarray(row * columns, ++row * columns));
          const part = (name: Part) => numbers.slice(first[name], first[name] + widths[name]);
          const token = { x: part('x'), bc: part('bc'), timeStep: part('timeStep'), gate: part('gate') };
          return naiveScan(next[i]?.[layer] ?? [], token, parameters[layer] as Float32Array, spec);
        }).flat(),
      );
      const [values, sizes] = [expected.map(({ value }) => value), expected.map(({ size }) => size)];
      assertCloseBySize(`step ${index}, layer ${layer}`, output, values, sizes, bench.tolerance.float);
    }
    for (const [i, { to }] of segments.entries()) known.set(to, next[i] as Sum[][][]);
  }
  bench.clear();
}

const settings: Readonly<Record<string, ScanSpec>> = {
  'one head of one number': { heads: 1, headDim: 1, stateDim: 1, groups: 1, decays: 'head', ...free },
  'heads of Mamba 2': { heads: 8, headDim: 16, stateDim: 16, groups: 1, decays: 'head', ...free },
  'groups that fill no vector': { heads: 6, headDim: 5, stateDim: 7, groups: 3, decays: 'head', ...free },
  'a large state': { heads: 4, headDim: 64, stateDim: 128, groups: 2, decays: 'head', ...free },
  'time steps within limits': {
    ...{ heads: 5, headDim: 4, stateDim: 12, groups: 1, decays: 'head' },
    ...{ leastTimeStep: 0.1, largestTimeStep: 0.5 },
  },
  'decays of the state, as Mamba has them': {
    ...{ heads: 70, headDim: 1, stateDim: 16, groups: 1, decays: 'state', ...free },
  },
  'decays of the state that fill no vector': {
    ...{ heads: 3, headDim: 2, stateDim: 5, groups: 1, decays: 'state', ...free },
  },
};

/** One sequence, between two slots in turn. */
const alone = (...tokens: number[]): StateSegment[][] =>
  tokens.map((count, i) => [{ tokens: count, from: i === 0 ? -1 : (i + 1) % 2, to: i % 2 }]);

export const scanCases: readonly Case[] = [
  ...Object.entries(settings).map(
    ([name, spec]): Case => ({
      name: `selectiveScan: ${name}`,
      async run(bench) {
        await check(bench, spec, 2, alone(1, 1, 2, 7, 1));
        await check(bench, spec, 2, alone(12, 1));
      },
    }),
  ),
  {
    name: 'selectiveScan: lengths about a vector of lanes and a workgroup, then decode',
    async run(bench) {
      const spec = { heads: 4, headDim: 8, stateDim: 8, groups: 2, decays: 'head', ...free } as const;
      for (const length of [63, 64, 65]) await check(bench, spec, 2, alone(length, 1, 1));
    },
  },
  {
    name: 'selectiveScan: sequences of different lengths and starts in one step',
    run: (bench) =>
      check(bench, { heads: 3, headDim: 6, stateDim: 8, groups: 3, decays: 'head', ...free }, 9, [
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
        [
          { tokens: 2, from: 0, to: 4 },
          { tokens: 1, from: 0, to: 5 },
        ],
      ]),
  },
  {
    name: 'selectiveScan: chunks of any sizes give the same numbers, and so does a step that is run again',
    async run(bench) {
      const spec = { heads: 5, headDim: 3, stateDim: 9, groups: 1, decays: 'head', ...free } as const;
      const tokens = 17;
      const { columns, values } = rowsFor(bench, spec, tokens);
      const vector = await bench.vector(parametersOf(bench, spec));
      const cache = bench.states(stateCache(spec, 2));
      const width = widthsOf(spec).x;
      const run = async (...chunks: number[]): Promise<Float32Array> => {
        const output = new Float32Array(tokens * width);
        let start = 0;
        for (const [i, count] of chunks.entries()) {
          const rows = {
            rows: count,
            columns,
            values: values.subarray(start * columns, (start + count) * columns),
          };
          const segments = [{ tokens: count, from: i === 0 ? -1 : (i + 1) % 2, to: i % 2 }];
          for (let again = 0; again < 2; again++) {
            const part = await bench.run((step) =>
              step.selectiveScan(inputsOf(step, rows, spec, false), vector, cache, 0, segments, spec),
            );
            output.set(part, start * width);
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
    name: 'selectiveScan: inputs, parameters and caches that do not fit are refused',
    async run(bench) {
      const spec: ScanSpec = { heads: 2, headDim: 3, stateDim: 4, groups: 1, decays: 'head', ...free };
      const cache = bench.states(stateCache(spec, 2));
      const vector = await bench.vector(parametersOf(bench, spec));
      const short = await bench.vector(bench.random.normals(5));
      const good = { tokens: 2, from: -1, to: 0 };
      const refuse = (
        what: string,
        found: string,
        change: Partial<ScanSpec>,
        { parameters = vector, layer = 0, tokens = 2, first = 0, segments = [good] } = {},
      ) =>
        assertRefused(what, found, () =>
          bench.run((step) => {
            const rows = (count: number, columns: number): Columns => ({
              rows: step.input(bench.random.normals(count * columns), count),
              first: 0,
            });
            const inputs = {
              x: { ...rows(2, 6), first },
              bc: rows(2, 8),
              timeStep: rows(tokens, 2),
              gate: rows(2, 6),
            };
            return step.selectiveScan(inputs, parameters, cache, layer, segments, { ...spec, ...change });
          }),
        );
      await refuse('heads of another cache', '2', { heads: 3 });
      await refuse('a state of another size', '12', { stateDim: 5 });
      await refuse('groups that do not divide', '3', { groups: 3 });
      await refuse('no groups', '0', { groups: 0 });
      await refuse('limits in disorder', '2 and 1', { leastTimeStep: 2, largestTimeStep: 1 });
      await refuse('parameters of decays by head', '6', { decays: 'state' });
      await refuse('short parameters', '5', {}, { parameters: short });
      await refuse('a layer that is not there', '2', {}, { layer: 2 });
      await refuse('other rows', '3', {}, { tokens: 3 });
      await refuse('columns beyond the row', '6', {}, { first: 1 });
      await refuse('a state in place', 'which one reads', {}, { segments: [{ ...good, from: 0 }] });
      await refuse('fewer tokens', '1', {}, { segments: [{ ...good, tokens: 1 }] });
    },
  },
];
