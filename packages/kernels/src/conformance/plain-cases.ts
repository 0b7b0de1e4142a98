// The operations without a matrix multiply: input, embed, norm, add, selectRows, read.
import type { Case } from './bench.js';
import { assertRefused, range } from './bench.js';
import { assertClose, assertCloseBySize, assertSame } from './compare.js';
import { codeLayouts, commonLayouts } from './layouts.js';
import { at, makeNumbers, type Numbers, naiveLinear, naiveNorm, naiveRmsNorm } from './naive.js';
import { randomMatrix } from './random-matrix.js';

/** Decoding is float32 arithmetic on every backend: this far from the exact product, sum included. */
const decodeTolerance = 1e-6;

export const plainCases: readonly Case[] = [
  {
    name: 'input: exactly, in a copy, of any shape',
    async run(bench) {
      for (const [rows, columns] of [
        [1, 1],
        [1, 257],
        [70, 33],
      ] as const) {
        const values = bench.random.normals(rows * columns);
        const kept = values.slice();
        await bench.backend.step(async (step) => {
          const x = step.input(values, rows);
          values.fill(0);
          assertSame('rows and columns', [x.rows, x.columns], [rows, columns]);
          assertSame('values', await step.read(x), kept);
        });
      }
    },
  },
  {
    name: 'input: what an earlier step has read',
    async run(bench) {
      const [first, second] = [bench.normals(3, 20), bench.normals(3, 20)];
      const x = await bench.run((step) => bench.input(first)(step));
      const sum = await bench.run((step) => step.add(step.input(x, 3), bench.input(second)(step)));
      const expected = makeNumbers(3, 20, (row, column) => at(first, row, column) + at(second, row, column));
      assertClose('sum', sum, expected.values, bench.tolerance.float);
    },
  },
  {
    name: 'embed: rows of plain tables, exactly',
    async run(bench) {
      for (const dtype of ['F32', 'F16', 'BF16'] as const) {
        for (const columns of [1, 33, 256]) {
          const table = randomMatrix(dtype, [19, columns], bench.random);
          const weight = await bench.weight(table);
          const ids = Int32Array.of(18, 0, 7, 7, 3);
          const rows = await bench.run((step) => step.embed(weight, ids));
          const expected = makeNumbers(ids.length, columns, (row, column) =>
            at(table, ids[row] as number, column),
          );
          assertSame(`rows of ${dtype} [19, ${columns}]`, rows, expected.values);
        }
      }
    },
  },
  {
    name: 'embed: rows of quantized and stacked tables',
    async run(bench) {
      for (const layout of [...commonLayouts, ...codeLayouts]) {
        const top = randomMatrix(layout.make(bench.random, 96), [5, 96], bench.random);
        const bottom = randomMatrix('BF16', [4, 96], bench.random);
        const weight = await bench.weight(top, bottom);
        const ids = Int32Array.of(4, 5, 0, 8, 4, 2);
        const rows = await bench.run((step) => step.embed(weight, ids));
        const expected = makeNumbers(ids.length, 96, (row, column) => {
          const id = ids[row] as number;
          return id < 5 ? at(top, id, column) : at(bottom, id - 5, column);
        });
        assertClose(`rows of ${layout.name}`, rows, expected.values, decodeTolerance);
      }
    },
  },
  {
    name: 'embed: scale, one token and many',
    async run(bench) {
      const table = randomMatrix('BF16', [40, 64], bench.random);
      const weight = await bench.weight(table);
      for (const tokens of [1, 70]) {
        const ids = Int32Array.from({ length: tokens }, () => bench.random.integer(40));
        const rows = await bench.run((step) => step.embed(weight, ids, 12.5));
        const expected = makeNumbers(
          tokens,
          64,
          (row, column) => 12.5 * at(table, ids[row] as number, column),
        );
        assertClose(`${tokens} rows times 12.5`, rows, expected.values, bench.tolerance.float);
      }
    },
  },
  {
    name: 'norm: widths, token counts and sizes of numbers',
    async run(bench) {
      for (const [rows, columns, scale, epsilon] of [
        [1, 1, 1, 1e-5],
        [1, 33, 1, 1e-6],
        [3, 64, 1e-4, 1e-5],
        [2, 257, 1e4, 1e-6],
        [70, 128, 1, 1e-5],
        [2, 1024, 3, 0],
      ] as const) {
        const x = bench.normals(rows, columns, scale);
        const weight = bench.random.normals(columns);
        const vector = await bench.vector(weight);
        const input = bench.input(x);
        const y = await bench.run((step) => step.norm(input(step), { weight: vector, epsilon }));
        assertClose(
          `[${rows}, ${columns}]`,
          y,
          naiveRmsNorm(x, weight, epsilon).values,
          bench.tolerance.float,
        );
      }
    },
  },
  {
    name: 'norm: layer norms, and biases of either',
    async run(bench) {
      for (const [rows, columns, mean] of [
        [1, 2, 0],
        [3, 33, 1],
        [9, 64, -2],
        [70, 257, 0.5],
      ] as const) {
        const drawn = bench.normals(rows, columns);
        // a layer norm divides by what the numbers of a row differ: two that are close are less exact
        const apart = columns === 2 ? 8 : 0;
        const x = makeNumbers(rows, columns, (row, column) =>
          Math.fround(at(drawn, row, column) + mean + apart * column),
        );
        const [weights, biases] = [bench.random.normals(columns), bench.random.normals(columns)];
        const [weight, bias] = [await bench.vector(weights), await bench.vector(biases)];
        const matrix = randomMatrix('F32', [8, columns], bench.random);
        const [input, after] = [bench.input(x), await bench.weight(matrix)];
        for (const [centred, biased] of [
          [true, false],
          [true, true],
          [false, true],
        ] as const) {
          const spec = { weight, epsilon: 1e-5, centred, ...(biased && { bias }) };
          const expected = naiveNorm(x, weights, 1e-5, centred, biased ? biases : null);
          const what = `[${rows}, ${columns}]${centred ? ' centred' : ''}${biased ? ' with a bias' : ''}`;
          const y = await bench.run((step) => step.norm(input(step), spec));
          assertClose(what, y, expected.values, bench.tolerance.float);
          const product = await bench.run((step) => step.linear(step.norm(input(step), spec), after));
          assertClose(
            `${what}, multiplied`,
            product,
            naiveLinear(expected, matrix).values,
            bench.tolerance.float,
          );
        }
      }
    },
  },
  {
    name: 'norm: parts of rows, in groups',
    async run(bench) {
      for (const [rows, columns, first, width, groups] of [
        [1, 9, 1, 8, 2],
        [5, 64, undefined, 64, 4],
        [9, 70, 0, 33, 3],
        [70, 300, 43, 257, 1],
      ] as const) {
        const x = bench.normals(rows, columns);
        const [weights, biases] = [bench.random.normals(width), bench.random.normals(width)];
        const [weight, bias] = [await bench.vector(weights), await bench.vector(biases)];
        const matrix = randomMatrix('F32', [8, width], bench.random);
        const [input, after] = [bench.input(x), await bench.weight(matrix)];
        const size = width / groups;
        for (const [centred, biased] of [
          [false, false],
          [true, true],
        ] as const) {
          const parts = Array.from({ length: groups }, (_, group) => {
            const start = group * size;
            const part = makeNumbers(rows, size, (row, column) => at(x, row, (first ?? 0) + start + column));
            const own = (all: Float32Array) => all.subarray(start, start + size);
            return naiveNorm(part, own(weights), 1e-5, centred, biased ? own(biases) : null);
          });
          const expected = makeNumbers(rows, width, (row, column) => {
            const part = parts[Math.floor(column / size)] as Numbers;
            return at(part, row, column % size);
          });
          const spec = {
            ...{ weight, epsilon: 1e-5, centred, groups },
            ...(first !== undefined && { first }),
            ...(biased && { bias }),
          };
          const what = `[${rows}, ${columns}] in ${groups}${centred ? ' centred' : ''}`;
          const y = await bench.run((step) => step.norm(input(step), spec));
          assertClose(what, y, expected.values, bench.tolerance.float);
          const product = await bench.run((step) => step.linear(step.norm(input(step), spec), after));
          assertClose(
            `${what}, multiplied`,
            product,
            naiveLinear(expected, matrix).values,
            bench.tolerance.float,
          );
        }
        const refuse = (found: string, change: { first?: number; groups?: number }) =>
          assertRefused(`part of ${columns}`, found, () =>
            bench.run((step) => step.norm(input(step), { weight, epsilon: 0, ...change })),
          );
        await refuse(`${columns}`, { first: columns - width + 1 });
        await refuse(`${width + 1}`, { first: 0, groups: width + 1 });
      }
    },
  },
  {
    name: 'norm: a row of zeros stays zero',
    async run(bench) {
      const input = bench.input(makeNumbers(2, 48, (row) => row));
      const weight = await bench.vector(bench.random.normals(48));
      const y = await bench.run((step) => step.norm(input(step), { weight, epsilon: 1e-6 }));
      assertSame('row of zeros', y.subarray(0, 48), new Float32Array(48));
    },
  },
  {
    name: 'add: with and without a scale, chained, to itself',
    async run(bench) {
      for (const [rows, columns] of [
        [1, 1],
        [3, 33],
        [70, 64],
      ] as const) {
        const [a, b] = [bench.normals(rows, columns), bench.normals(rows, columns)];
        const [left, right] = [bench.input(a), bench.input(b)];
        /** i a + j b; what cancels is no more exact than what it is of. */
        const check = (what: string, found: Float32Array, i: number, j: number): void => {
          const of = (sum: (left: number, right: number) => number) =>
            makeNumbers(rows, columns, (row, column) => sum(i * at(a, row, column), j * at(b, row, column)))
              .values;
          const [sums, sizes] = [of((p, q) => p + q), of(Math.hypot)];
          assertCloseBySize(what, found, sums, sizes, bench.tolerance.float);
        };

        const sum = await bench.run((step) => step.add(left(step), right(step)));
        check('a + b', sum, 1, 1);
        const scaled = await bench.run((step) => step.add(left(step), right(step), -0.22));
        check('a - 0.22 b', scaled, 1, -0.22);
        const chained = await bench.run((step) => {
          const added = right(step);
          return step.add(step.add(left(step), added, 0.5), added, 2);
        });
        check('a + 0.5 b + 2 b', chained, 1, 2.5);
        const doubled = await bench.run((step) => {
          const x = left(step);
          return step.add(x, x);
        });
        check('a + a', doubled, 2, 0);
      }
    },
  },
  {
    name: 'selectRows: any order, repeated, exactly',
    async run(bench) {
      const x = bench.normals(23, 50);
      const input = bench.input(x);
      for (const rows of [
        Int32Array.of(22),
        Int32Array.of(0, 22, 5, 5, 1),
        bench.random.permutation(23),
        range(23),
      ]) {
        const selected = await bench.run((step) => step.selectRows(input(step), rows));
        const expected = makeNumbers(rows.length, 50, (row, column) => at(x, rows[row] as number, column));
        assertSame(`rows ${rows}`, selected, expected.values);
      }
    },
  },
  {
    name: 'read: twice the same, in copies, between operations',
    async run(bench) {
      const x = bench.normals(3, 40);
      const input = bench.input(x);
      await bench.backend.step(async (step) => {
        const activations = input(step);
        const first = await step.read(activations);
        assertSame('first read', first, x.values);
        first.fill(7);
        assertSame('second read', await step.read(activations), x.values);
        const both = await Promise.all([
          step.read(activations),
          step.read(step.selectRows(activations, range(3))),
        ]);
        for (const read of both) assertSame('reads at the same time', read, x.values);
      });
    },
  },
];
