// linear: every dtype and layout, from one token to a prefill tile, odd sizes, stacked parts.
//
// Shapes: T tokens, N rows, K columns.
import type { Bench, Case } from './bench.js';
import { assertClose, assertSame, rms } from './compare.js';
import type { NamedLayout } from './layouts.js';
import { blockLayouts, codeLayouts, commonLayouts, scaleLayouts } from './layouts.js';
import type { Numbers } from './naive.js';
import { linearScale, naiveLinear, stackNumbers } from './naive.js';
import type { RandomMatrix } from './random-matrix.js';
import { randomMatrix } from './random-matrix.js';

type Shape = readonly [rows: number, columns: number];

/** Multiplies on the backend and in float64, and compares. */
async function checkLinear(
  bench: Bench,
  parts: readonly RandomMatrix[],
  x: Numbers,
  bias?: Float32Array,
  cap?: number,
): Promise<void> {
  const weight = await bench.weight(...parts);
  const input = bench.input(x);
  const added = bias && (await bench.vector(bias));
  const y = await bench.run((step) => step.linear(input(step), weight, added, cap));
  const numbers = stackNumbers(parts);
  const tolerance = bench.tolerated(parts.map((part) => part.data));
  const what = `[${x.rows}, ${x.columns}] times [${numbers.rows}, ${numbers.columns}]`;
  const sums = naiveLinear(x, numbers, bias).values;
  const expected = cap === undefined ? sums : Array.from(sums, (y) => cap * Math.tanh(y / cap));
  // Weights are about K^-0.5, so this is the typical output even where the few there are happen to be small.
  const scale = Math.max(linearScale(x, numbers), rms(x.values) / 4);
  assertClose(what, y, expected, tolerance, scale);
  bench.clear();
}

async function checkLayout(
  bench: Bench,
  layout: NamedLayout,
  shapes: readonly Shape[],
  tokens: readonly number[],
) {
  for (const shape of shapes) {
    for (const t of tokens) {
      const weight = randomMatrix(layout.make(bench.random, shape[1]), shape, bench.random);
      await checkLinear(bench, [weight], bench.normals(t, shape[1]));
    }
  }
}

/** Two blocks a row, and one and a half: a short last block, or flat blocks that run across row ends. */
function shapesFor({ blockSize }: NamedLayout): readonly Shape[] {
  const block = blockSize ?? 96;
  return [
    [5, 2 * block],
    [6, 1.5 * block],
  ];
}

/** As few rows and columns as there can be, sizes around the widths of SIMD registers and tiles, odd ones. */
const oddShapes: readonly Shape[] = [
  [1, 1],
  [1, 33],
  [3, 1],
  [2, 31],
  [7, 33],
  [17, 100],
  [33, 96],
  [65, 160],
  [129, 257],
];

const oddLayouts = [
  ...commonLayouts,
  ...codeLayouts.filter(({ name }) =>
    [
      'codebook 4 bits splitHalves',
      'codebook 4 bits row blocks',
      'affine 8 bits zeroPoint',
      'affine 4 bits signed',
      'affine 4 bits offset F32',
    ].includes(name),
  ),
];

const tokenCounts = [1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 70];

const floatCases = (['F32', 'F16', 'BF16'] as const).map(
  (dtype): Case => ({
    name: `linear: ${dtype}`,
    async run(bench) {
      for (const shape of [...oddShapes, [48, 512] as const]) {
        for (const tokens of [1, 3, 18]) {
          await checkLinear(
            bench,
            [randomMatrix(dtype, shape, bench.random)],
            bench.normals(tokens, shape[1]),
          );
        }
      }
    },
  }),
);

const layoutCases = [...codeLayouts, ...blockLayouts].map(
  (layout): Case => ({
    name: `linear: ${layout.name}`,
    run: (bench) => checkLayout(bench, layout, shapesFor(layout), [1, 3]),
  }),
);

/** More than 256 scales, so that nested ones have several blocks of their own, the last of them short. */
const scaleCases = scaleLayouts.map(
  (layout): Case => ({
    name: `linear: ${layout.name}`,
    run: (bench) =>
      checkLayout(
        bench,
        layout,
        [
          [5, 128],
          [43, 512],
        ],
        [1, 3],
      ),
  }),
);

const oddCases = oddLayouts.map(
  (layout): Case => ({
    name: `linear: odd sizes, ${layout.name}`,
    run: (bench) => checkLayout(bench, layout, oddShapes, [1, 2, 5]),
  }),
);

const tokenCases = commonLayouts.map(
  (layout): Case => ({
    name: `linear: 1 to 70 tokens, ${layout.name}`,
    run: (bench) => checkLayout(bench, layout, [[35, 192]], tokenCounts),
  }),
);

export const linearCases: readonly Case[] = [
  ...floatCases,
  ...layoutCases,
  ...scaleCases,
  ...oddCases,
  {
    name: 'linear: 1 to 70 tokens, BF16',
    async run(bench) {
      for (const tokens of tokenCounts) {
        await checkLinear(bench, [randomMatrix('BF16', [35, 200], bench.random)], bench.normals(tokens, 200));
      }
    },
  },
  ...tokenCases,
  {
    name: 'linear: bias',
    async run(bench) {
      for (const layout of ['F32', 'BF16', ...commonLayouts] as const) {
        const kind = typeof layout === 'string' ? layout : layout.make(bench.random, 96);
        for (const tokens of [1, 6]) {
          const weight = randomMatrix(kind, [21, 96], bench.random);
          await checkLinear(bench, [weight], bench.normals(tokens, 96), bench.random.normals(21));
        }
      }
    },
  },
  {
    name: 'linear: a soft cap, far above the sums, among them and below',
    async run(bench) {
      for (const cap of [30, 1, 0.05]) {
        for (const tokens of [1, 6, 40]) {
          for (const layout of ['F32', 'BF16', ...commonLayouts] as const) {
            const kinds = [0, 1].map(() =>
              typeof layout === 'string' ? layout : layout.make(bench.random, 96),
            );
            const parts = kinds.map((kind) => randomMatrix(kind, [21, 96], bench.random));
            const bias = tokens === 6 ? bench.random.normals(42) : undefined;
            await checkLinear(bench, parts, bench.normals(tokens, 96), bias, cap);
          }
          const large = bench.normals(tokens, 96, 1e4);
          await checkLinear(bench, [randomMatrix('F32', [5, 96], bench.random)], large, undefined, cap);
        }
      }
    },
  },
  {
    name: 'linear: stacked parts of one layout',
    async run(bench) {
      for (const layout of commonLayouts) {
        const parts = [13, 4, 32].map((rows) =>
          randomMatrix(layout.make(bench.random, 160), [rows, 160], bench.random),
        );
        for (const tokens of [1, 9]) await checkLinear(bench, parts, bench.normals(tokens, 160));
      }
    },
  },
  {
    name: 'linear: stacked parts of different layouts',
    async run(bench) {
      const kinds = [...codeLayouts, ...scaleLayouts];
      for (let round = 0; round < 12; round++) {
        const columns = 64 + bench.random.integer(130);
        const parts = [1, 2, 3].map((part) => {
          const kind = kinds[bench.random.integer(kinds.length)] as NamedLayout;
          const layout = part === 2 && round % 3 === 0 ? 'F16' : kind.make(bench.random, columns);
          return randomMatrix(layout, [1 + bench.random.integer(20), columns], bench.random);
        });
        await checkLinear(bench, parts, bench.normals(1 + (round % 4), columns), undefined);
      }
    },
  },
  {
    name: 'linear: large and small activations',
    async run(bench) {
      for (const layout of ['F32', 'BF16', ...commonLayouts] as const) {
        const kind = typeof layout === 'string' ? layout : layout.make(bench.random, 256);
        const weight = randomMatrix(kind, [24, 256], bench.random);
        for (const scale of [1e-8, 1e6]) await checkLinear(bench, [weight], bench.normals(2, 256, scale));
      }
    },
  },
  {
    name: 'linear: rows of zeros give the bias',
    async run(bench) {
      for (const layout of ['F32', ...commonLayouts] as const) {
        const kind = typeof layout === 'string' ? layout : layout.make(bench.random, 96);
        const weight = await bench.weight(randomMatrix(kind, [10, 96], bench.random));
        const bias = bench.random.normals(10);
        const vector = await bench.vector(bias);
        const input = bench.input({ rows: 2, columns: 96, values: new Float32Array(192) });
        const y = await bench.run((step) => step.linear(input(step), weight, vector));
        assertSame('zeros times a matrix plus bias', y, [...bias, ...bias]);
      }
    },
  },
];
