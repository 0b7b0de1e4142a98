// mlp: activations, fused and separate gate and up, layouts of their own, the output gate.
//
// Shapes: T tokens, D hidden, F intermediate.
import { type Activation, activationKinds } from '../activation.js';
import type { Bench, Case } from './bench.js';
import { assertClose } from './compare.js';
import { commonLayouts, int4, nf4 } from './layouts.js';
import { at, makeNumbers, naiveLinear, naiveMlp, naiveMultiplyGated, naiveSigmoid, silu } from './naive.js';
import { randomMatrix } from './random-matrix.js';
import type { Kind, RandomMlp } from './random-mlp.js';
import { randomMlp } from './random-mlp.js';

/**
 * How much further an activation may be off, beside its typical size, than what it is of: a square twice as far, and where
 * limits take the large numbers, the errors of those that are left stand beside smaller ones.
 */
export const errorGrowth = ({ kind, limit }: Activation): number =>
  kind === 'relu2' || limit !== undefined ? 2 : 1;

async function checkMlp(bench: Bench, tokens: number, mlp: RandomMlp, activation: Activation) {
  const x = bench.normals(tokens, mlp.down.rows);
  const [input, weights] = [bench.input(x), await bench.mlp(mlp.data)];
  const y = await bench.run((step) => step.mlp(input(step), weights, activation));
  const tolerance = errorGrowth(activation) * bench.tolerated([...mlp.data.gateUp, mlp.data.down]);
  assertClose(`${tokens} tokens`, y, naiveMlp(x, mlp, activation).values, tolerance);
  bench.clear();
}

/** Limits are such that many numbers of random MLPs are beyond them. */
export const gptOss: Activation = { kind: 'silu', gated: true, alpha: 1.702, limit: 0.7, upOffset: 1 };
export const clampedSilu: Activation = { kind: 'silu', gated: true, limit: 0.5 };
export const stepSilu: Activation = { kind: 'silu', gated: true, limit: 0.4, limitOf: 'output' };
export const plainRelu2: Activation = { kind: 'relu2', gated: false };
export const clampedGelu: Activation = { kind: 'gelu', gated: false, limit: 0.5 };

const activations: readonly (readonly [name: string, activation: Activation])[] = [
  ...activationKinds.map((kind) => [kind, { kind, gated: true }] as const),
  ...activationKinds.map((kind) => [`${kind} without a gate`, { kind, gated: false }] as const),
  ['silu as in gpt-oss', gptOss],
  ['silu, limited', clampedSilu],
  ['silu, limited behind it', stepSilu],
  ['gelu, limited, without a gate', clampedGelu],
];

export const mlpCases: readonly Case[] = [
  ...activations.map(
    ([name, activation]): Case => ({
      name: `mlp: ${name}`,
      async run(bench) {
        const { gated } = activation;
        for (const kind of ['F32', 'BF16', nf4] as const) {
          for (const tokens of [1, 6]) {
            const mlp = randomMlp(bench, 64, 96, kind, kind, true, { gated });
            await checkMlp(bench, tokens, mlp, activation);
          }
        }
      },
    }),
  ),
  {
    name: 'mlp: biases, with and without a gate',
    async run(bench) {
      for (const activation of [silu, gptOss, plainRelu2]) {
        const { gated } = activation;
        for (const [kind, tokens, fused] of [
          ['F32', 1, true],
          [nf4, 3, false],
          ['BF16', 70, true],
        ] as const) {
          const mlp = randomMlp(bench, 64, 48, kind, kind, fused, { gated, biased: true });
          await checkMlp(bench, tokens, mlp, activation);
          const odd = randomMlp(bench, 33, 17, kind, 'F32', fused, { gated, biased: true });
          await checkMlp(bench, tokens, odd, activation);
        }
      }
    },
  },
  {
    name: 'mlp: fused or separate gate and up, layouts of their own, odd sizes, many tokens',
    async run(bench) {
      for (const [hidden, intermediate, gateUp, down, tokens] of [
        [33, 17, 'F16', 'F32', 2],
        [64, 40, nf4, int4, 1],
        [96, 64, int4, 'BF16', 70],
        [40, 33, 'BF16', nf4, 19],
        [128, 100, ...(commonLayouts.slice(2) as [Kind, Kind]), 5],
      ] as const) {
        for (const fused of [true, false]) {
          const mlp = randomMlp(bench, hidden, intermediate, gateUp, down, fused);
          await checkMlp(bench, tokens, mlp, silu);
        }
      }
    },
  },
  {
    name: 'mlp: output gate',
    async run(bench) {
      for (const [tokens, gateKind] of [
        [1, 'F32'],
        [7, 'BF16'],
      ] as const) {
        const mlp = randomMlp(bench, 64, 32, 'F32', 'F32', true, { biased: gateKind === 'BF16' });
        const gate = randomMatrix(gateKind, [1, 64], bench.random);
        const x = bench.normals(tokens, 64);
        const [input, weights, gateWeight] = [
          bench.input(x),
          await bench.mlp(mlp.data),
          await bench.weight(gate),
        ];
        const y = await bench.run((step) => step.mlp(input(step), weights, silu, gateWeight));
        const plain = naiveMlp(x, mlp, silu);
        const gates = naiveLinear(x, gate);
        const expected = makeNumbers(tokens, 64, (t, d) => at(plain, t, d) * naiveSigmoid(at(gates, t, 0)));
        assertClose(`${tokens} tokens`, y, expected.values, bench.tolerance.float);
      }
    },
  },
  {
    name: 'multiplyGated: all gated activations, ups within wider rows',
    async run(bench) {
      for (const [, activation] of activations.filter(([, { gated }]) => gated)) {
        for (const [tokens, columns, first, wide] of [
          [1, 1, 0, 1],
          [1, 8, 16, 40],
          [5, 33, 2, 35],
          [70, 257, 300, 600],
        ] as const) {
          const [gates, ups] = [bench.normals(tokens, columns), bench.normals(tokens, wide)];
          const [left, right] = [bench.input(gates), bench.input(ups)];
          const y = await bench.run((step) =>
            step.multiplyGated(left(step), { rows: right(step), first }, activation),
          );
          const expected = naiveMultiplyGated(gates, ups, first, activation).values;
          assertClose(
            `[${tokens}, ${columns}]`,
            y,
            expected,
            errorGrowth(activation) * bench.tolerance.float,
          );
          bench.clear();
        }
      }
    },
  },
  {
    name: 'multiplyGated: of a multiply and into one, gates read again and ups of the same rows',
    async run(bench) {
      for (const [tokens, columns] of [
        [1, 48],
        [9, 33],
      ] as const) {
        const x = bench.normals(tokens, 40);
        const [gate, down] = [
          randomMatrix('F32', [columns, 40], bench.random),
          randomMatrix('BF16', [24, columns], bench.random),
        ];
        const ups = bench.normals(tokens, 2 * columns);
        const [input, right] = [bench.input(x), bench.input(ups)];
        const [gateWeight, downWeight] = [await bench.weight(gate), await bench.weight(down)];
        const gates = naiveLinear(x, gate);
        for (const [name, isOwn] of [
          ['others', false],
          ['the gates', true],
        ] as const) {
          const product = naiveMultiplyGated(gates, isOwn ? gates : ups, isOwn ? 0 : columns, silu);
          const [read, y] = await bench.backend.step(async (step) => {
            const left = step.linear(input(step), gateWeight);
            const part = isOwn ? { rows: left, first: 0 } : { rows: right(step), first: columns };
            const output = step.linear(step.multiplyGated(left, part, silu), downWeight);
            return Promise.all([step.read(left), step.read(output)]);
          });
          const { float } = bench.tolerance;
          assertClose(`gates, ups of ${name}`, read, gates.values, float);
          assertClose(`ups of ${name}`, y, naiveLinear(product, down).values, float);
        }
        bench.clear();
      }
    },
  },
];
