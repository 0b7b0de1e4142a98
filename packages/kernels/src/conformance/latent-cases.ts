// latentAttention: sizes of heads and latents, rotations, weights of every kind; pages in any order; prefill, decode and both
// together.
//
// Shapes: H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { KvCacheSpec } from '../resources.js';
import type { LatentSpec, QueryFactor, RopeSpec, Segment } from '../step.js';
import { assertRefused, type Bench, type Case } from './bench.js';
import { alone, type Chunk, promptAndDecode, ropeOf as ropeOfTheta, stretched } from './chunks.js';
import { assertClose, assertTrue } from './compare.js';
import type { NamedLayout } from './layouts.js';
import { commonLayouts } from './layouts.js';
import { type NaiveLatents, naiveLatentAttention } from './naive-latent.js';
import { randomMatrix } from './random-matrix.js';

interface Setting {
  readonly heads?: number;
  readonly nopeDim?: number;
  readonly ropeDim?: number;
  readonly latentDim?: number;
  readonly valueDim?: number;
  readonly pageSize?: number;
  readonly rope?: RopeSpec | null;
  /** Of the weights; BF16 unless given. */
  readonly layout?: NamedLayout | 'F32' | 'F16' | 'BF16';
  /** On top of (N + P)^-0.5. */
  readonly sharpness?: number;
  readonly queryFactor?: QueryFactor;
}

const layers = 2;

/** Runs the steps over both layers of a cache, and compares every output with sequences that know no pages. */
async function check(bench: Bench, setting: Setting, steps: readonly (readonly Chunk[])[]): Promise<void> {
  const { heads = 4, nopeDim = 16, ropeDim = 8, latentDim = 32, valueDim = 24, layout = 'BF16' } = setting;
  const { pageSize = 16, rope = ropeDim === 0 ? null : ropeOf(ropeDim), sharpness = 1 } = setting;
  const parts = steps.flat();
  const most =
    Math.max(...parts.map(({ start = 0 }) => start)) + parts.reduce((sum, { tokens }) => sum + tokens, 0);
  const sequences = 1 + Math.max(...parts.map(({ sequence }) => sequence));
  const pagesEach = Math.ceil(most / pageSize);
  const pageCount = pagesEach * sequences + 1;
  const headDim = latentDim + ropeDim;
  const cacheSpec: KvCacheSpec = { layers, kvHeads: 1, headDim, valueDim: 0, pageSize, pages: pageCount };
  const cache = bench.cache(cacheSpec);
  const pages = bench.random.permutation(pageCount);
  const pagesOf = (sequence: number) => pages.slice(sequence * pagesEach, (sequence + 1) * pagesEach);

  const kind = typeof layout === 'string' ? layout : layout.make(bench.random, latentDim);
  const matrix = randomMatrix(kind, [heads * (nopeDim + valueDim), latentDim], bench.random);
  const expansion = await bench.heads(matrix, heads);
  const norm = bench.random.normals(latentDim);
  const spec: LatentSpec = {
    ...{ heads, nopeDim, ropeDim, latentDim, valueDim, rope },
    scale: sharpness * (nopeDim + ropeDim) ** -0.5,
    norm: { weight: await bench.vector(norm), epsilon: 1e-6 },
    ...(setting.queryFactor && { queryFactor: setting.queryFactor }),
  };

  const known = Array.from({ length: layers }, () =>
    Array.from({ length: sequences }, (): NaiveLatents => []),
  );
  const tolerance = bench.tolerated([matrix.data]) * Math.max(1, sharpness);
  for (const [index, step] of steps.entries()) {
    const lengths = step.map(({ sequence, start }) => start ?? known[0]?.[sequence]?.length ?? 0);
    const ropes = step.map(({ stretch = 1 }) => rope && stretched(rope, stretch));
    const segments = step.map(({ sequence, tokens, stretch }, i): Segment => {
      const own = stretch === undefined ? {} : { inverseFrequencies: ropes[i]?.inverseFrequencies };
      return { pages: pagesOf(sequence), start: lengths[i] as number, tokens, ...own } as Segment;
    });
    const tokens = step.reduce((sum, part) => sum + part.tokens, 0);
    for (let layer = layers - 1; layer >= 0; layer--) {
      const queries = bench.normals(tokens, heads * (nopeDim + ropeDim));
      const latents = bench.normals(tokens, headDim);
      const [q, c] = [bench.input(queries), bench.input(latents)];
      const output = await bench.run((run) =>
        run.latentAttention(q(run), c(run), expansion, cache, layer, segments, spec),
      );
      let row = 0;
      const rowOf = ({ columns, values }: typeof queries) =>
        Array.from({ length: columns }, (_, i) => values[row * columns + i] as number);
      const expected = step.flatMap(({ sequence, tokens: count }, i) =>
        Array.from({ length: count }, (_, t) => {
          const lists = known[layer]?.[sequence] as NaiveLatents;
          const own = { ...spec, rope: ropes[i] ?? null };
          const position = (lengths[i] as number) + t;
          const out = naiveLatentAttention(
            ...([rowOf(queries), rowOf(latents), position, lists, matrix, own, norm] as const),
          );
          row++;
          return out;
        }).flat(),
      );
      assertClose(`step ${index}, layer ${layer}`, output, expected, tolerance);
    }
  }
  bench.clear();
}

/** Pairs beside each other and a small theta, so that all of few frequencies matter. */
const ropeOf = (rotated: number, style: RopeSpec['style'] = 'interleaved', attentionFactor = 1) =>
  ropeOfTheta(rotated, style, attentionFactor, 1000);

const settings: Record<string, Setting> = {
  'heads of 16 + 8, values of 24': {},
  'one head': { heads: 1 },
  'heads that no thread shares evenly': { heads: 5, nopeDim: 8 },
  'values as wide as latents': { latentDim: 16, valueDim: 16 },
  'values wider than latents': { heads: 2, latentDim: 8, valueDim: 40 },
  'sizes that fill no vector': { heads: 3, nopeDim: 5, ropeDim: 2, latentDim: 11, valueDim: 7 },
  'sizes of DeepSeek-V3': { heads: 2, nopeDim: 128, ropeDim: 64, latentDim: 512, valueDim: 128 },
  'no rotation': { rope: null },
  'no common part': { ropeDim: 0 },
  'rotation of halves': { rope: ropeOf(8, 'halves') },
  'rotation of a part': { rope: ropeOf(4) },
  'rotation with an attention factor': { rope: ropeOf(8, 'interleaved', 1.25) },
  'queries that grow by position': { queryFactor: { slope: 0.5, every: 3, offset: 1 } },
  'pages of 1 token': { pageSize: 1 },
  'pages of 5 tokens': { pageSize: 5 },
  'pages of 64 tokens': { pageSize: 64 },
  'scores in the hundreds': { sharpness: 60 },
  'weights in F32': { layout: 'F32' },
  'weights in F16': { layout: 'F16' },
  ...Object.fromEntries(
    commonLayouts.map((layout) => [`weights in ${layout.name}`, { layout, latentDim: 64 } as Setting]),
  ),
};

/** What is wrong with an operation on otherwise good operands. */
async function refuseAll(bench: Bench): Promise<void> {
  const sizes = { layers: 1, kvHeads: 1, headDim: 12, valueDim: 0, pageSize: 4, pages: 2 };
  const good = { heads: 2, nopeDim: 4, ropeDim: 4, latentDim: 8, valueDim: 4 };
  const heads = await bench.heads(randomMatrix('F32', [16, 8], bench.random), 2);
  const vector = await bench.vector(bench.random.normals(8));
  const short = await bench.vector(bench.random.normals(6));
  const norm = { weight: vector, epsilon: 1e-6 };
  const spec: LatentSpec = { ...good, scale: 1, rope: ropeOf(4), norm };
  const rows = { queries: bench.normals(3, 16), latents: bench.normals(3, 12) };
  const segments = [{ pages: Int32Array.of(1), start: 0, tokens: 3 }];
  const cache = bench.cache(sizes);
  const refuse = (
    what: string,
    found: string,
    change: { spec?: object; cache?: typeof cache; heads?: typeof heads; layer?: number } & Partial<
      typeof rows
    >,
  ) => {
    const { queries, latents } = { ...rows, ...change };
    const [q, c] = [bench.input(queries), bench.input(latents)];
    return assertRefused(what, found, () =>
      bench.run((step) =>
        step.latentAttention(
          q(step),
          c(step),
          change.heads ?? heads,
          change.cache ?? cache,
          change.layer ?? 0,
          segments,
          { ...spec, ...change.spec } as LatentSpec,
        ),
      ),
    );
  };
  await refuse('fewer columns of queries', '15', { queries: bench.normals(3, 15) });
  await refuse('more columns of latents', '13', { latents: bench.normals(3, 13) });
  await refuse('fewer rows of queries', '2', { queries: bench.normals(2, 16) });
  await refuse('a layer that is not there', '1', { layer: 1 });
  await refuse('a cache of other rows', '8', { cache: bench.cache({ ...sizes, headDim: 8 }) });
  await refuse('a cache with values', '4', { cache: bench.cache({ ...sizes, valueDim: 4 }) });
  await refuse('a cache of two heads', '2', { cache: bench.cache({ ...sizes, kvHeads: 2 }) });
  await refuse('weights of other heads', '4', {
    heads: await bench.heads(randomMatrix('F32', [16, 8], bench.random), 4),
  });
  await refuse('weights of other rows', '7', {
    heads: await bench.heads(randomMatrix('F32', [14, 8], bench.random), 2),
  });
  await refuse('weights of other columns', '9', {
    heads: await bench.heads(randomMatrix('F32', [16, 9], bench.random), 2),
  });
  await refuse('a norm of other length', '6', { spec: { norm: { weight: short, epsilon: 0 } } });
  await refuse('a rotation of more than there is', '6', { spec: { rope: ropeOf(6) } });
  await refuse('heads without values', '0', { spec: { valueDim: 0 } });
  await assertRefused('rows that are not divided', '3', () =>
    bench.heads(randomMatrix('F32', [16, 8], bench.random), 3),
  );
  await assertRefused('attention over a cache without values', '0', () =>
    bench.run((step) =>
      step.attention(
        step.input(bench.random.normals(36), 1),
        cache,
        0,
        [{ ...segments[0], tokens: 1 } as Segment],
        {
          ...{ heads: 1, kvHeads: 1, headDim: 12, scale: 1, rope: null },
        },
      ),
    ),
  );
}

export const latentCases: readonly Case[] = [
  ...Object.entries(settings).map(
    ([name, setting]): Case => ({
      name: `latentAttention: ${name}`,
      run: (bench) => check(bench, setting, promptAndDecode),
    }),
  ),
  {
    name: 'latentAttention: prefill of 70, pieces, then decode',
    async run(bench) {
      await check(bench, { heads: 2 }, alone(70, 1, 1));
      await check(bench, { heads: 2 }, alone(1, 1, 15, 16, 17));
    },
  },
  {
    name: 'latentAttention: positions in the hundreds, and a prompt behind them',
    async run(bench) {
      const small = { heads: 2, nopeDim: 4, valueDim: 4, latentDim: 8 };
      await check(bench, small, alone(300, 1, 90, 1));
      const queryFactor = { slope: 0.2, every: 32, offset: 0 };
      await check(bench, { ...small, queryFactor }, alone(70, 1, 90, 1));
    },
  },
  {
    name: 'latentAttention: sequences of different lengths in one step',
    run: (bench) =>
      check(bench, { heads: 3 }, [
        [
          { sequence: 0, tokens: 20 },
          { sequence: 1, tokens: 3 },
        ],
        [
          { sequence: 1, tokens: 1 },
          { sequence: 0, tokens: 1 },
          { sequence: 2, tokens: 37 },
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
    name: 'latentAttention: sequences that turn by frequencies of their own',
    run: (bench) =>
      check(bench, { rope: ropeOf(8, 'halves', 1.25) }, [
        [
          { sequence: 0, tokens: 20, stretch: 0.25 },
          { sequence: 1, tokens: 3 },
        ],
        [0, 1].map((sequence) => ({ sequence, tokens: 1, stretch: 1 / (2 + sequence) })),
        [
          { sequence: 1, tokens: 1, stretch: 0.3 },
          { sequence: 0, tokens: 1 },
        ],
      ]),
  },
  {
    name: 'latentAttention: a sequence taken back and continued otherwise',
    run: (bench) =>
      check(bench, { pageSize: 4 }, [
        [{ sequence: 0, tokens: 11 }],
        [{ sequence: 0, tokens: 2, start: 6 }],
        [{ sequence: 0, tokens: 5 }],
        [{ sequence: 0, tokens: 3, start: 0 }],
      ]),
  },
  {
    name: 'latentAttention: a cache takes R + P numbers a token and layer',
    async run(bench) {
      const [latentDim, ropeDim, pageSize, pages] = [48, 16, 8, 12];
      const headDim = latentDim + ropeDim;
      const own = bench.cache({ layers, kvHeads: 1, headDim, valueDim: 0, pageSize, pages });
      const numbers = layers * pages * pageSize * (latentDim + ropeDim);
      assertTrue(`at most 4 bytes for each of ${numbers}, found ${own.bytes}`, own.bytes <= 4 * numbers);
      assertTrue(`at least 2 bytes for each of ${numbers}, found ${own.bytes}`, own.bytes >= 2 * numbers);
    },
  },
  {
    name: 'latentAttention: weights, caches and columns that do not fit are refused',
    run: refuseAll,
  },
];
