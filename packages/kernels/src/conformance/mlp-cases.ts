// mlp and experts: fused and separate gate and up, all activations, all kinds of crowds at the experts.
//
// Shapes: T tokens, E experts, A experts per token, D hidden, F intermediate.
import type { RouteSpec } from '@moeq/router';
import type { FloatDType, Layout } from '@moeq/tensors';
import type { Activation, MlpData } from '../backend.js';
import type { Bench, Case } from './bench.js';
import { assertClose } from './compare.js';
import type { NamedLayout } from './layouts.js';
import { codeLayouts, commonLayouts, scaleLayouts } from './layouts.js';
import type { Numbers } from './naive.js';
import { at, makeNumbers, naiveLinear, naiveMlp, naiveSigmoid, stackNumbers } from './naive.js';
import { naiveRoute } from './naive-route.js';
import { randomMatrix } from './random-matrix.js';

interface RandomMlp {
  readonly data: MlpData;
  readonly gateUp: Numbers;
  readonly down: Numbers;
}

/** A dtype, or a layout for each matrix. */
type Kind = FloatDType | NamedLayout;

const layoutOf = (kind: Kind, columns: number, bench: Bench): Layout | FloatDType =>
  typeof kind === 'string' ? kind : kind.make(bench.random, columns);

function randomMlp(
  bench: Bench,
  hidden: number,
  intermediate: number,
  gateUp: Kind,
  down: Kind,
  fused: boolean,
): RandomMlp {
  const rows = fused ? [2 * intermediate] : [intermediate, intermediate];
  const parts = rows.map((count) =>
    randomMatrix(layoutOf(gateUp, hidden, bench), [count, hidden], bench.random),
  );
  const last = randomMatrix(layoutOf(down, intermediate, bench), [hidden, intermediate], bench.random);
  return {
    data: { gateUp: parts.map((part) => part.data), down: last.data },
    gateUp: stackNumbers(parts),
    down: last,
  };
}

const kindOf = (...kinds: readonly Kind[]) =>
  kinds.every((kind) => typeof kind === 'string') ? 'float' : 'quantized';

async function checkMlp(
  bench: Bench,
  tokens: number,
  mlp: RandomMlp,
  activation: Activation,
  kind: 'float' | 'quantized',
) {
  const x = bench.normals(tokens, mlp.down.rows);
  const [input, weights] = [await bench.input(x), await bench.mlp(mlp.data)];
  const y = await bench.run((step) => step.mlp(input(step), weights, activation));
  assertClose(
    `${tokens} tokens`,
    y,
    naiveMlp(x, mlp.gateUp, mlp.down, activation).values,
    bench.tolerance[kind],
  );
  bench.clear();
}

const routeOf = (experts: number, expertsPerToken: number): RouteSpec => ({
  experts,
  expertsPerToken,
  score: 'softmaxAfterTopK',
  normalizeTopK: false,
});

/** Router logits that lead every token to the experts that `choose` names, the first with the most weight. */
function logitsFor(tokens: number, spec: RouteSpec, choose: (token: number) => readonly number[]): Numbers {
  return makeNumbers(tokens, spec.experts, (token, expert) => {
    const place = choose(token).indexOf(expert);
    return place < 0 ? -9 : 2 - 0.75 * place;
  });
}

/** Runs experts by those logits and compares with one token at a time through one expert at a time. */
async function checkExperts(
  bench: Bench,
  spec: RouteSpec,
  logits: Numbers,
  mlps: readonly RandomMlp[],
  activation: Activation,
  kind: 'float' | 'quantized',
) {
  const hidden = (mlps[0] as RandomMlp).down.rows;
  const x = bench.normals(logits.rows, hidden);
  const weights = await bench.experts(mlps.map((mlp) => mlp.data));
  const [input, router] = [await bench.input(x), await bench.input(logits)];
  const y = await bench.run((step) =>
    step.experts(input(step), step.route(router(step), spec), weights, activation),
  );

  const expected = makeNumbers(logits.rows, hidden, () => 0);
  for (let token = 0; token < logits.rows; token++) {
    const choice = naiveRoute(
      Array.from({ length: spec.experts }, (_, e) => at(logits, token, e)),
      spec,
    );
    const row = makeNumbers(1, hidden, (_, d) => at(x, token, d));
    choice.experts.forEach((expert, a) => {
      const { gateUp, down } = mlps[expert] as RandomMlp;
      naiveMlp(row, gateUp, down, activation).values.forEach((value, d) => {
        const i = token * hidden + d;
        expected.values[i] = (expected.values[i] as number) + (choice.weights[a] as number) * value;
      });
    });
  }
  assertClose(`${logits.rows} tokens`, y, expected.values, bench.tolerance[kind]);
  bench.clear();
}

/** E experts of D = 64, F = 48. */
const makeExperts = (bench: Bench, experts: number, kind: Kind, fused = true): RandomMlp[] =>
  Array.from({ length: experts }, () => randomMlp(bench, 64, 48, kind, kind, fused));

const nf4 = commonLayouts[0] as NamedLayout;
const int4 = commonLayouts[1] as NamedLayout;

type Crowd = readonly [
  experts: number,
  perToken: number,
  tokens: number,
  choose: (token: number) => number[],
];

const crowds: Record<string, Crowd> = {
  'one token': [8, 2, 1, () => [5, 2]],
  'one token, one of one expert': [1, 1, 1, () => [0]],
  'all tokens on one expert': [8, 1, 19, () => [6]],
  'all tokens on the same two experts': [8, 2, 70, () => [7, 0]],
  'one expert for each token': [8, 1, 8, (token) => [(3 * token) % 8]],
  'experts that no token reaches': [16, 2, 9, (token) => [3 + (token % 2), 12]],
  'all experts for every token': [5, 5, 7, (token) => [0, 1, 2, 3, 4].map((e) => (e + token) % 5)],
  'a crowd that ends inside tiles': [4, 2, 67, (token) => (token % 5 === 0 ? [3, 1] : [token % 3, 3])],
};

export const mlpCases: readonly Case[] = [
  ...(['silu', 'gelu', 'geluTanh'] as const).map(
    (activation): Case => ({
      name: `mlp: ${activation}`,
      async run(bench) {
        for (const kind of ['F32', 'BF16', nf4] as const) {
          for (const tokens of [1, 6]) {
            const mlp = randomMlp(bench, 64, 96, kind, kind, true);
            await checkMlp(bench, tokens, mlp, activation, kindOf(kind));
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
        [128, 100, ...(commonLayouts.slice(2) as [NamedLayout, NamedLayout]), 5],
      ] as const) {
        for (const fused of [true, false]) {
          const mlp = randomMlp(bench, hidden, intermediate, gateUp, down, fused);
          await checkMlp(bench, tokens, mlp, 'silu', kindOf(gateUp, down));
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
          await bench.input(x),
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
  ...Object.entries(crowds).map(
    ([name, [experts, perToken, tokens, choose]]): Case => ({
      name: `experts: ${name}`,
      async run(bench) {
        const spec = routeOf(experts, perToken);
        for (const kind of ['F32', nf4] as const) {
          const logits = logitsFor(tokens, spec, choose);
          await checkExperts(bench, spec, logits, makeExperts(bench, experts, kind), 'silu', kindOf(kind));
        }
      },
    }),
  ),
  ...(['F32', 'F16', 'BF16', ...codeLayouts, ...scaleLayouts] as const).map(
    (kind): Case => ({
      name: `experts: ${typeof kind === 'string' ? kind : kind.name}`,
      async run(bench) {
        const spec = routeOf(4, 2);
        for (const tokens of [1, 11]) {
          const logits = logitsFor(tokens, spec, (token) => [
            token % 4,
            (token * 2 + 1 + (token % 4)) % 4 === token % 4
              ? (token + 1) % 4
              : (token * 2 + 1 + (token % 4)) % 4,
          ]);
          const experts = makeExperts(bench, 4, kind, tokens === 1);
          await checkExperts(bench, spec, logits, experts, 'silu', kindOf(kind));
        }
      },
    }),
  ),
  {
    name: 'experts: a layout for each expert',
    async run(bench) {
      const spec = routeOf(6, 3);
      const kinds: readonly Kind[] = [nf4, 'BF16', int4, ...codeLayouts.slice(4, 7)];
      const mlps = kinds.map((kind, e) =>
        randomMlp(bench, 64, 48, kind, kinds[(e + 1) % 6] as Kind, e % 2 === 0),
      );
      const logits = logitsFor(13, spec, (token) => [0, 1, 2].map((a) => (token + 2 * a) % 6));
      await checkExperts(bench, spec, logits, mlps, 'silu', 'quantized');
    },
  },
  {
    name: 'experts: odd sizes and other activations',
    async run(bench) {
      for (const [hidden, intermediate, activation] of [
        [33, 7, 'geluTanh'],
        [130, 65, 'gelu'],
        [1, 1, 'silu'],
      ] as const) {
        const spec = routeOf(3, 2);
        const mlps = [nf4, int4, nf4].map((kind) => randomMlp(bench, hidden, intermediate, kind, kind, true));
        const logits = logitsFor(24, spec, (token) => [token % 3, (token + 1) % 3]);
        await checkExperts(bench, spec, logits, mlps, activation, 'quantized');
      }
    },
  },
];
