// deltaRule: sequences whose states go from slot to slot, as those of convolutions do, against float64; prefill and decode.
//
// Shapes: H heads, HK key heads, C key dimension, CV value dimension.
import type { StateCacheSpec, Vector } from '../resources.js';
import type { Activations, DeltaRuleSpec, StateSegment, Step } from '../step.js';
import { assertRefused, type Bench, type Case } from './bench.js';
import { assertCloseBySize, assertSame } from './compare.js';
import type { Numbers } from './naive.js';
import { emptyStates, type NaiveDeltaResult, type NaiveStates, naiveDeltaRule } from './naive-delta-rule.js';

type Sizes = Pick<DeltaRuleSpec, 'heads' | 'keyHeads' | 'keyDim' | 'valueDim' | 'decayPer' | 'gate'>;

interface Setting extends Sizes {
  /** Numbers of a head in one run in each group of its row, or those of all heads of a kind; else rows of their own. */
  readonly rows: 'grouped' | 'apart' | 'own';
}

const layers = 2;
const qwen: Setting = {
  heads: 4,
  keyHeads: 2,
  keyDim: 16,
  valueDim: 16,
  decayPer: 'head',
  gate: 'silu',
  rows: 'apart',
};

/** Where the inputs of all heads stand, and how many columns each of their rows has. */
function placesOf({ heads, keyHeads, keyDim, valueDim, decayPer, rows }: Setting) {
  const group = heads / keyHeads;
  const [beta, decay, gate] = [group, group * (decayPer === 'head' ? 1 : keyDim), group * valueDim];
  const all = beta + decay + gate;
  if (rows === 'grouped') {
    const place = (at: number) => ({ at, stride: all });
    const places = { gate: place(0), beta: place(gate), decay: place(gate + beta) };
    return { places, columns: [keyHeads * all] };
  }
  const place = (at: number, stride: number) => ({ at, stride });
  if (rows === 'own') {
    const places = { beta: place(0, beta), decay: place(0, decay), gate: place(1, gate) };
    return { places, columns: [keyHeads * beta, keyHeads * decay, keyHeads * gate + 2] };
  }
  const places = {
    beta: place(7, beta),
    decay: place(7 + keyHeads * beta, decay),
    gate: place(7 + keyHeads * (beta + decay), gate),
  };
  return { places, columns: [7 + keyHeads * all] };
}

/** A rule with random weights, over a cache whose slots hold what must not be read. */
class Rule {
  readonly spec: DeltaRuleSpec;
  readonly #bench: Bench;
  readonly #columns: readonly number[];
  readonly #weights: readonly Float32Array[];
  readonly #vectors: readonly Vector[];
  readonly #cache: ReturnType<Bench['states']>;

  private constructor(
    bench: Bench,
    setting: Setting,
    slots: number,
    weights: readonly Float32Array[],
    vectors: readonly Vector[],
  ) {
    const { rows, ...sizes } = setting;
    const { places, columns } = placesOf(setting);
    this.#bench = bench;
    this.spec = { ...sizes, places, epsilon: 1e-6 };
    this.#columns = columns;
    this.#weights = weights;
    this.#vectors = vectors;
    const spec: StateCacheSpec = {
      layers,
      parts: sizes.heads,
      size: sizes.keyDim * sizes.valueDim,
      slots,
    };
    this.#cache = bench.states(spec);
  }

  static async make(bench: Bench, setting: Setting, slots: number): Promise<Rule> {
    const { heads, keyDim, valueDim, decayPer } = setting;
    const decays = heads * (decayPer === 'head' ? 1 : keyDim);
    // slow decays, so that states hold many tokens
    const weights = Array.from({ length: layers }, () =>
      Float32Array.from([
        ...bench.random.normals(heads).map((x) => x - 2),
        ...bench.random.normals(decays),
        ...bench.random.normals(valueDim),
      ]),
    );
    const vectors = await Promise.all(weights.map((each) => bench.vector(each)));
    const rule = new Rule(bench, setting, slots, weights, vectors);
    await rule.#spoil(slots);
    return rule;
  }

  get qkvColumns(): number {
    const { heads, keyHeads, keyDim, valueDim } = this.spec;
    return 2 * keyHeads * keyDim + heads * valueDim;
  }

  /** Rows of `qkv` and of the other inputs. */
  rows(tokens: number): Numbers[] {
    return [this.qkvColumns, ...this.#columns].map((columns) => this.#bench.normals(tokens, columns));
  }

  run(
    [qkv, beta, decay = beta, gate = beta]: readonly Numbers[],
    layer: number,
    segments: readonly StateSegment[],
  ): Promise<Float32Array> {
    const made = new Map<Numbers | undefined, Activations>();
    const input = (step: Step, x: Numbers | undefined): Activations => {
      const found = made.get(x) ?? this.#bench.input(x as Numbers)(step);
      made.set(x, found);
      return found;
    };
    return this.#bench.run((step) =>
      step.deltaRule(
        input(step, qkv),
        { beta: input(step, beta), decay: input(step, decay), gate: input(step, gate) },
        this.#vectors[layer] as Vector,
        this.#cache,
        layer,
        segments,
        this.spec,
      ),
    );
  }

  /** The same in float64. @returns H CV numbers of each token and their sizes, and the states after them */
  naive(
    [qkv, beta, decay = beta, gate = beta]: readonly Numbers[],
    layer: number,
    [first, tokens]: readonly [number, number],
    before: NaiveStates,
  ): NaiveDeltaResult {
    const { heads, valueDim } = this.spec;
    const weights = this.#weights[layer] as Float32Array;
    const end = weights.length - valueDim;
    const own = {
      rates: weights.subarray(0, heads),
      biases: weights.subarray(heads, end),
      norm: weights.subarray(end),
    };
    const rowOf = (x: Numbers | undefined, t: number): number[] => {
      const { columns, values } = x as Numbers;
      return Array.from({ length: columns }, (_, c) => values[t * columns + c] as number);
    };
    let states = before;
    const [output, sizes]: [number[], number[]] = [[], []];
    for (let t = first; t < first + tokens; t++) {
      const row = { qkv: rowOf(qkv, t), beta: rowOf(beta, t), decay: rowOf(decay, t), gate: rowOf(gate, t) };
      const ran = naiveDeltaRule(row, states, this.spec, own);
      states = ran.states;
      output.push(...ran.output);
      sizes.push(...ran.sizes);
    }
    return { states, output, sizes };
  }

  async #spoil(slots: number): Promise<void> {
    const rows = this.rows(slots).map((x) => ({ ...x, values: Float32Array.from(x.values, () => NaN) }));
    const all = Array.from({ length: slots }, (_, to): StateSegment => ({ tokens: 1, from: -1, to }));
    for (let layer = 0; layer < layers; layer++) await this.run(rows, layer, all);
  }
}

/** Runs steps over both layers and compares each with float64. */
async function check(
  bench: Bench,
  setting: Setting,
  slots: number,
  steps: readonly (readonly StateSegment[])[],
): Promise<void> {
  const rule = await Rule.make(bench, setting, slots);
  const known = new Map<string, NaiveStates>();
  for (const [index, segments] of steps.entries()) {
    const tokens = segments.reduce((sum, segment) => sum + segment.tokens, 0);
    const before = new Map(known);
    for (let layer = layers - 1; layer >= 0; layer--) {
      const rows = rule.rows(tokens);
      const output = await rule.run(rows, layer, segments);
      let first = 0;
      const expected = segments.map(({ tokens: own, from, to }) => {
        const states = before.get(`${layer} ${from}`) ?? emptyStates(rule.spec);
        const ran = rule.naive(rows, layer, [first, own], states);
        first += own;
        known.set(`${layer} ${to}`, ran.states);
        return ran;
      });
      assertCloseBySize(
        `step ${index}, layer ${layer}`,
        output,
        expected.flatMap((ran) => ran.output),
        expected.flatMap((ran) => ran.sizes),
        bench.tolerance.float,
      );
    }
  }
  bench.clear();
}

const settings: Record<string, Setting> = {
  'two heads of values a key head': qwen,
  'in groups of one row': { ...qwen, rows: 'grouped' },
  'as many key heads as heads, sigmoid gates': { ...qwen, heads: 3, keyHeads: 3, gate: 'sigmoid' },
  'decays of channels, in rows of their own': { ...qwen, decayPer: 'channel', gate: 'sigmoid', rows: 'own' },
  'decays of channels, in groups': { ...qwen, decayPer: 'channel', rows: 'grouped' },
  'sizes that fill no vector': { ...qwen, heads: 6, keyHeads: 2, keyDim: 7, valueDim: 23 },
  'one number a head': { ...qwen, heads: 2, keyHeads: 1, keyDim: 1, valueDim: 1 },
  'keys of 32, values of 72': { ...qwen, heads: 2, keyHeads: 1, keyDim: 32, valueDim: 72, rows: 'grouped' },
  'heads of 128': { ...qwen, heads: 2, keyHeads: 1, keyDim: 128, valueDim: 128 },
};

/** One sequence, between two slots in turn. */
const alone = (...tokens: number[]): StateSegment[][] =>
  tokens.map((count, i) => [{ tokens: count, from: i === 0 ? -1 : (i + 1) % 2, to: i % 2 }]);

export const deltaRuleCases: readonly Case[] = [
  ...Object.entries(settings).map(
    ([name, setting]): Case => ({
      name: `delta rule: ${name}`,
      run: (bench) => check(bench, setting, 3, alone(1, 1, 5, 1)),
    }),
  ),
  ...[63, 64, 65].map(
    (tokens): Case => ({
      name: `delta rule: prefill of ${tokens}, then decode`,
      run: (bench) => check(bench, qwen, 3, alone(tokens, 1, 1)),
    }),
  ),
  {
    name: 'delta rule: prefill of 1000, then decode',
    run: (bench) =>
      check(bench, { ...qwen, heads: 2, keyHeads: 1, keyDim: 8, valueDim: 8 }, 3, alone(1000, 1)),
  },
  {
    name: 'delta rule: sequences of different lengths in one step, states that are shared and gone back to',
    run: (bench) =>
      check(bench, { ...qwen, rows: 'grouped' }, 9, [
        [
          { tokens: 1, from: -1, to: 7 },
          { tokens: 2, from: -1, to: 0 },
          { tokens: 20, from: -1, to: 3 },
        ],
        [
          { tokens: 1, from: 3, to: 1 },
          { tokens: 1, from: 7, to: 2 },
          { tokens: 1, from: 3, to: 8 },
        ],
        [
          { tokens: 5, from: 8, to: 0 },
          { tokens: 3, from: -1, to: 7 },
          { tokens: 1, from: 3, to: 4 },
        ],
      ]),
  },
  {
    name: 'delta rule: a step that is run again gives the same bits, and chunks of any sizes the same numbers',
    async run(bench) {
      const tokens = 67;
      const rule = await Rule.make(bench, qwen, 2);
      const rows = rule.rows(tokens);
      const width = qwen.heads * qwen.valueDim;
      const run = async (chunks: readonly number[]): Promise<Float32Array> => {
        const output = new Float32Array(tokens * width);
        let start = 0;
        for (const [i, count] of chunks.entries()) {
          const own = rows.map(({ columns, values }) => ({
            rows: count,
            columns,
            values: Array.from(values).slice(start * columns, (start + count) * columns),
          }));
          const segment = { tokens: count, from: i === 0 ? -1 : (i + 1) % 2, to: i % 2 };
          const first = await rule.run(own, 0, [segment]);
          assertSame(`chunk ${i} again`, await rule.run(own, 0, [segment]), first);
          output.set(first, start * width);
          start += count;
        }
        return output;
      };
      const whole = await run([tokens]);
      const { sizes } = rule.naive(rows, 0, [0, tokens], emptyStates(rule.spec));
      const steps = Array.from({ length: tokens }, () => 1);
      for (const chunks of [steps, [2, 5, 1, 1, 58], [64, 3]]) {
        const what = `${chunks.length} chunks`;
        assertCloseBySize(what, await run(chunks), whole, sizes, bench.tolerance.float);
      }
    },
  },
  {
    name: 'delta rule: weights, rows and caches that do not fit are refused',
    async run(bench) {
      const spec: DeltaRuleSpec = {
        heads: 2,
        keyHeads: 1,
        keyDim: 4,
        valueDim: 3,
        decayPer: 'head',
        gate: 'silu',
        epsilon: 1e-6,
        places: { beta: { at: 0, stride: 0 }, decay: { at: 2, stride: 0 }, gate: { at: 4, stride: 0 } },
      };
      const cache = bench.states({ layers: 1, parts: 2, size: 12, slots: 2 });
      const [own, other] = [
        await bench.vector(bench.random.normals(7)),
        await bench.vector(bench.random.normals(8)),
      ];
      const x = bench.input(bench.normals(3, 14));
      const [row, short] = [bench.input(bench.normals(3, 10)), bench.input(bench.normals(2, 10))];
      const segment = { tokens: 3, from: -1, to: 0 };
      const refuse = (
        what: string,
        found: string,
        { change = {}, vector = own, layer = 0, rows = row, qkv = x, to = 0 } = {},
      ) =>
        assertRefused(what, found, () =>
          bench.run((step) => {
            const inputs = rows(step);
            const all = { beta: inputs, decay: inputs, gate: inputs };
            const segments = [{ ...segment, to }];
            return step.deltaRule(qkv(step), all, vector, cache, layer, segments, { ...spec, ...change });
          }),
        );
      await refuse('heads that key heads do not divide', '2', { change: { keyHeads: 3 } });
      await refuse('more heads than the cache has', '2', { change: { heads: 4, keyHeads: 2 } });
      await refuse('other dimensions than the cache has', '12', { change: { keyDim: 5 } });
      await refuse('weights of other length', '8', { vector: other });
      await refuse('a row of other length', '10', { qkv: row });
      await refuse('columns that are not there', '11', {
        change: { places: { ...spec.places, gate: { at: 5, stride: 0 } } },
      });
      await refuse('fewer rows', '2', { rows: short });
      await refuse('a layer that is not there', '1', { layer: 1 });
      await refuse('a slot too far', '2', { to: 2 });
    },
  },
];
