// attention: heads, rotations, norms, clip, window, sinks and gates; pages in any order; prefill, decode and both together.
//
// Shapes: H heads, HK key/value heads, C head dimension, CV value dimension.
import type { KvCacheSpec } from '../resources.js';
import { unseenPages } from '../shapes/attention.js';
import type { AttentionSpec, Segment } from '../step.js';
import { type AttentionSetting, attentionSettings, numberGate } from './attention-settings.js';
import type { Bench, Case } from './bench.js';
import { alone, type Chunk, promptAndDecode, ropeOf, stretched } from './chunks.js';
import { assertClose } from './compare.js';
import type { NaiveSequence } from './naive-attention.js';
import { naiveAttention } from './naive-attention.js';

const layers = 2;

/** Runs the steps over both layers of a cache, and compares every output with sequences that know no pages. */
async function check(
  bench: Bench,
  setting: AttentionSetting,
  steps: readonly (readonly Chunk[])[],
): Promise<void> {
  const {
    heads = 4,
    kvHeads = 2,
    headDim = 32,
    valueDim = headDim,
    pageSize = 16,
    rope = ropeOf(headDim),
  } = setting;
  const most =
    Math.max(...steps.flat().map(({ start = 0 }) => start)) +
    steps.flat().reduce((sum, part) => sum + part.tokens, 0);
  const sequences = 1 + Math.max(...steps.flat().map((part) => part.sequence));
  const pagesEach = Math.ceil(most / pageSize);
  /** Those that a window and the tokens of a step can touch at most. */
  const longest = Math.max(...steps.flat().map(({ tokens }) => tokens));
  const windowPages = Math.ceil(((setting.window ?? 0) + longest - 1) / pageSize) + 1;
  const cacheSpec: KvCacheSpec = {
    layers,
    kvHeads,
    headDim,
    pageSize,
    pages: pagesEach * sequences + 1,
    ...(valueDim !== headDim && { valueDim }),
  };
  const cache = bench.cache(cacheSpec);
  const pages = bench.random.permutation(cacheSpec.pages);
  const pagesOf = ({ sequence, tokens }: Chunk, start: number): Int32Array => {
    const own = pages.slice(sequence * pagesEach, (sequence + 1) * pagesEach);
    if (setting.givesBack !== true) return own;
    const unseen = unseenPages(start, setting.window, pageSize);
    return own.slice(0, Math.ceil((start + tokens) / pageSize)).map((_, at) => {
      return at < unseen ? -1 : (own[at % windowPages] as number);
    });
  };

  const queryWeights = bench.random.normals(setting.norm === 'all' ? heads * headDim : headDim);
  const keyWeights = bench.random.normals(setting.norm === 'all' ? kvHeads * headDim : headDim);
  const norm = async (weights: Float32Array) => ({
    weight: await bench.vector(weights),
    epsilon: 1e-5,
    over: setting.norm ?? 'head',
  });
  const { sinks: sinksAround } = setting;
  const sinks =
    sinksAround === undefined ? undefined : bench.random.normals(heads).map((sink) => sink + sinksAround);
  const spec: AttentionSpec = {
    heads,
    kvHeads,
    headDim,
    scale: (setting.sharpness ?? 1) * headDim ** -0.5,
    rope,
    ...(sinks !== undefined && { sinks: await bench.vector(sinks) }),
    ...(setting.gate && { gate: setting.gate }),
    ...(setting.valueNorm && { valueNorm: { epsilon: 1e-5 } }),
    ...(setting.keysAsValues && { keysAsValues: true }),
    ...(setting.norm && { queryNorm: await norm(queryWeights), keyNorm: await norm(keyWeights) }),
    ...(setting.clip !== undefined && { clip: setting.clip }),
    ...(setting.window !== undefined && { window: setting.window }),
    ...(setting.chunked && { chunked: true }),
    ...(setting.normsTurned && { normsTurned: true }),
    ...(setting.queryFactor && { queryFactor: setting.queryFactor }),
  };

  const known = Array.from({ length: layers }, () =>
    Array.from({ length: sequences }, (): NaiveSequence => ({ keys: [], values: [] })),
  );
  const gates = setting.gate === undefined ? 0 : setting.gate.per === 'head' ? heads : heads * valueDim;
  const values = setting.keysAsValues === true ? 0 : kvHeads * valueDim;
  const width = (heads + kvHeads) * headDim + values + gates;
  const tolerance = bench.tolerance.float * Math.max(1, setting.sharpness ?? 1);
  for (const [index, parts] of steps.entries()) {
    const lengths = parts.map(({ sequence, start }) => start ?? known[0]?.[sequence]?.keys.length ?? 0);
    const ropes = parts.map(({ stretch = 1 }) => rope && stretched(rope, stretch));
    const segments = parts.map((part, i): Segment => {
      const { tokens, stretch } = part;
      const inverseFrequencies = ropes[i]?.inverseFrequencies;
      const own = stretch === undefined || inverseFrequencies === undefined ? {} : { inverseFrequencies };
      const start = lengths[i] as number;
      return { pages: pagesOf(part, start), start, tokens, ...own };
    });
    const tokens = parts.reduce((sum, part) => sum + part.tokens, 0);
    for (let layer = layers - 1; layer >= 0; layer--) {
      const qkv = bench.normals(tokens, width);
      const input = bench.input(qkv);
      const output = await bench.run((step) => step.attention(input(step), cache, layer, segments, spec));
      const all = Array.from(qkv.values);
      let row = 0;
      const expected = parts.flatMap(({ sequence, tokens: count }, i) =>
        Array.from({ length: count }, (_, t) => {
          const numbers = all.slice(row * width, ++row * width);
          const lists = known[layer]?.[sequence] as NaiveSequence;
          const norms = { query: queryWeights, key: keyWeights };
          const own = { ...spec, rope: ropes[i] ?? null };
          return naiveAttention(numbers, (lengths[i] as number) + t, lists, own, norms, valueDim, sinks);
        }).flat(),
      );
      assertClose(`step ${index}, layer ${layer}`, output, expected, tolerance);
      if (setting.again !== true) continue;
      const { keyNorm: _, valueNorm: __, ...ofQueries } = spec;
      const reading: AttentionSpec = { ...ofQueries, keysInCache: true };
      const readWidth = heads * headDim + gates;
      const queries = bench.normals(tokens, readWidth);
      const [left, right] = [bench.input(qkv), bench.input(queries)];
      const reread = await bench.run((step) => {
        step.attention(left(step), cache, layer, segments, spec);
        return step.attention(right(step), cache, layer, segments, reading);
      });
      let at = 0;
      const seen = parts.flatMap(({ sequence, tokens: count }, i) =>
        Array.from({ length: count }, (_, t) => {
          const numbers = Array.from(queries.values).slice(at * readWidth, ++at * readWidth);
          const lists = known[layer]?.[sequence] as NaiveSequence;
          const own = { ...reading, rope: ropes[i] ?? null };
          const position = (lengths[i] as number) + t;
          return naiveAttention(numbers, position, lists, own, { query: queryWeights }, valueDim, sinks);
        }).flat(),
      );
      assertClose(`step ${index}, layer ${layer}, queries alone`, reread, seen, tolerance);
    }
  }
  bench.clear();
}

export const attentionCases: readonly Case[] = [
  ...Object.entries(attentionSettings).map(
    ([name, setting]): Case => ({
      name: `attention: ${name}`,
      run: (bench) => check(bench, setting, promptAndDecode),
    }),
  ),
  {
    name: 'attention: prefill of 70, pieces, then decode',
    async run(bench) {
      await check(bench, {}, alone(70, 1, 1));
      await check(bench, { window: 20 }, alone(33, 37, 2, 1));
      await check(bench, {}, alone(1, 1, 15, 16, 17));
    },
  },
  {
    name: 'attention: pages before the window are given back',
    async run(bench) {
      const small = { heads: 2, kvHeads: 1, headDim: 8, givesBack: true };
      for (const pageSize of [1, 4, 16]) {
        for (const window of [1, 3, 16, 21]) {
          await check(bench, { ...small, window, pageSize }, alone(30, 1, 1, 9, 2, 1));
        }
      }
      const two = (...tokens: [number, number]): Chunk[] =>
        tokens.map((count, sequence) => ({ sequence, tokens: count }));
      const steps = [two(40, 7), two(1, 1), two(1, 30), two(17, 1), two(1, 1)];
      await check(bench, { window: 10, pageSize: 4, givesBack: true, heads: 8 }, steps);
      // Long enough for keys in several ranges.
      await check(bench, { ...small, window: 270 }, alone(290, 1, 3));
      await check(bench, { ...small, window: 280, chunked: true }, alone(270, 1, 20, 1));
      await check(bench, { ...small, window: 12, chunked: true, pageSize: 4 }, alone(30, 1, 1, 9, 2, 1));
    },
  },
  {
    name: 'attention: positions in the hundreds',
    run: (bench) => check(bench, { heads: 2, kvHeads: 1 }, alone(300, 1, 1)),
  },
  {
    name: 'attention: sinks count once, over few keys and many, with a window and in several sequences',
    async run(bench) {
      const small = { heads: 2, kvHeads: 1, headDim: 8, sinks: 2 };
      // Keys in several ranges.
      await check(bench, small, alone(270, 1, 3));
      await check(bench, { ...small, window: 270, givesBack: true }, alone(290, 1, 3));
      const steps = [
        [0, 1, 2].map((sequence) => ({ sequence, tokens: 1 + 20 * sequence })),
        [2, 0, 1].map((sequence) => ({ sequence, tokens: 1 })),
        [1, 2].map((sequence) => ({ sequence, tokens: 4 - sequence })),
      ];
      await check(bench, { sinks: 0, heads: 8 }, steps);
      await check(bench, { sinks: 0, heads: 8, window: 6, pageSize: 4, givesBack: true }, steps);
    },
  },
  {
    name: 'attention: gates over many keys, and in several sequences',
    async run(bench) {
      const gate = numberGate;
      await check(bench, { heads: 2, kvHeads: 1, headDim: 8, gate }, alone(270, 1, 3));
      const steps = [
        [0, 1, 2].map((sequence) => ({ sequence, tokens: 1 + 20 * sequence })),
        [2, 0, 1].map((sequence) => ({ sequence, tokens: 1 })),
      ];
      await check(bench, { heads: 8, gate: { ...gate, placed: 'last' } }, steps);
    },
  },
  {
    name: 'attention: sequences of different lengths in one step',
    run: (bench) =>
      check(bench, {}, [
        [
          { sequence: 0, tokens: 20 },
          { sequence: 1, tokens: 3 },
        ],
        [
          { sequence: 1, tokens: 1 },
          { sequence: 0, tokens: 1 },
          { sequence: 2, tokens: 17 },
        ],
        [0, 1, 2].map((sequence) => ({ sequence, tokens: 1 })),
        [
          { sequence: 2, tokens: 1 },
          { sequence: 3, tokens: 40 },
          { sequence: 0, tokens: 2 },
        ],
      ]),
  },
  {
    name: 'attention: sequences that turn by frequencies of their own',
    run: (bench) =>
      check(bench, { rope: ropeOf(32, 'halves', 1.25) }, [
        [
          { sequence: 0, tokens: 20, stretch: 0.25 },
          { sequence: 1, tokens: 3 },
          { sequence: 2, tokens: 5, stretch: 0.5 },
        ],
        [0, 1, 2].map((sequence) => ({ sequence, tokens: 1, stretch: 1 / (2 + sequence) })),
        [
          { sequence: 1, tokens: 1, stretch: 0.3 },
          { sequence: 2, tokens: 1 },
        ],
        [
          { sequence: 2, tokens: 4, stretch: 0.1 },
          { sequence: 0, tokens: 2 },
        ],
      ]),
  },
  {
    name: 'attention: a sequence taken back and continued otherwise',
    run: (bench) =>
      check(bench, { pageSize: 4 }, [
        [{ sequence: 0, tokens: 11 }],
        [{ sequence: 0, tokens: 2, start: 6 }],
        [{ sequence: 0, tokens: 5 }],
        [{ sequence: 0, tokens: 3, start: 0 }],
      ]),
  },
  {
    name: 'attention: sequences that share the pages of a prefix',
    async run(bench) {
      const cache = bench.cache({ layers: 1, kvHeads: 1, headDim: 16, pageSize: 4, pages: 8 });
      const spec: AttentionSpec = { heads: 2, kvHeads: 1, headDim: 16, scale: 0.25, rope: ropeOf(16) };
      const width = 4 * 16;
      const prefix = bench.normals(8, width);
      const next = bench.normals(2, width);
      const [first, second] = [bench.input(prefix), bench.input(next)];
      const whole = [{ pages: Int32Array.of(6, 1), start: 0, tokens: 8 }];
      await bench.run((step) => step.attention(first(step), cache, 0, whole, spec));
      const branches = [Int32Array.of(6, 1, 3), Int32Array.of(6, 1, 0)].map((pages) => ({
        pages,
        start: 8,
        tokens: 1,
      }));
      const output = await bench.run((step) => step.attention(second(step), cache, 0, branches, spec));

      const rowOf = (x: typeof prefix, row: number) =>
        Array.from(x.values).slice(row * width, (row + 1) * width);
      const expected = [0, 1].flatMap((branch) => {
        const sequence: NaiveSequence = { keys: [], values: [] };
        for (let t = 0; t < 8; t++) naiveAttention(rowOf(prefix, t), t, sequence, spec, {});
        return naiveAttention(rowOf(next, branch), 8, sequence, spec, {});
      });
      assertClose('both branches', output, expected, bench.tolerance.float);
    },
  },
];
