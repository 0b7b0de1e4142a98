// mlp: activations, fused and separate gate and up, layouts of their own, the output gate.
//
// Shapes: T tokens, D hidden, F intermediate.
import type { Activation } from '../step.js';
import type { Bench, Case } from './bench.js';
import { assertClose } from './compare.js';
import { commonLayouts, int4, nf4 } from './layouts.js';
import { at, makeNumbers, naiveLinear, naiveMlp, naiveSigmoid } from './naive.js';
import { randomMatrix } from './random-matrix.js';
import type { Kind, RandomMlp } from './random-mlp.js';
import { randomMlp } from './random-mlp.js';

async function checkMlp(bench: Bench, tokens: number, mlp: RandomMlp, activation: Activation) {
  const x = bench.normals(tokens, mlp.down.rows);
  const [input, weights] = [bench.input(x), await bench.mlp(mlp.data)];
  const y = await bench.run((step) => step.mlp(input(step), weights, activation));
  assertClose(
    `${tokens} tokens`,
    y,
    naiveMlp(x, mlp.gateUp, mlp.down, activation).values,
    bench.tolerated([...mlp.data.gateUp, mlp.data.down]),
  );
  bench.clear();
}

export const mlpCases: readonly Case[] = [
  ...(['silu', 'gelu', 'geluTanh'] as const).map(
    (activation): Case => ({
      name: `mlp: ${activation}`,
      async run(bench) {
        for (const kind of ['F32', 'BF16', nf4] as const) {
          for (const tokens of [1, 6]) {
            const mlp = randomMlp(bench, 64, 96, kind, kind, true);
            await checkMlp(bench, tokens, mlp, activation);
          }
        }
      },
    }),
  ),
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
          await checkMlp(bench, tokens, mlp, 'silu');
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
        const mlp = randomMlp(bench, 64, 32, 'F32', 'F32', true);
        const gate = randomMatrix(gateKind, [1, 64], bench.random);
        const x = bench.normals(tokens, 64);
        const [input, weights, gateWeight] = [
          bench.input(x),
          await bench.mlp(mlp.data),
          await bench.weight(gate),
        ];
        const y = await bench.run((step) => step.mlp(input(step), weights, 'silu', gateWeight));
        const plain = naiveMlp(x, mlp.gateUp, mlp.down, 'silu');
        const gates = naiveLinear(x, gate);
        const expected = makeNumbers(tokens, 64, (t, d) => at(plain, t, d) * naiveSigmoid(at(gates, t, 0)));
        assertClose(`${tokens} tokens`, y, expected.values, bench.tolerance.float);
      }
    },
  },
];
