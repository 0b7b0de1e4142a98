// experts: all ways in which tokens may be spread over experts, every dtype and layout, layouts that differ inside a layer.
//
// Shapes: T tokens, E experts, A experts per token, D hidden, F intermediate.
import type { RouteSpec } from '@moeq/router';
import type { Activation } from '../activation.js';
import type { Bench, Case } from './bench.js';
import { assertClose, rms } from './compare.js';
import { codeLayouts, int4, nf4, scaleLayouts } from './layouts.js';
import { clampedGelu, clampedSilu, errorGrowth, gptOss, plainRelu2, stepSilu } from './mlp-cases.js';
import type { Numbers } from './naive.js';
import { at, makeNumbers, naiveMlp, silu } from './naive.js';
import { naiveRoute } from './naive-route.js';
import type { Kind, RandomMlp } from './random-mlp.js';
import { randomMlp } from './random-mlp.js';

const routeOf = (experts: number, expertsPerToken: number): RouteSpec => ({
  experts,
  expertsPerToken,
  score: 'softmaxAfterTopK',
  normalizeTopK: false,
});

const head = ({ values, columns }: Numbers, rows: number): Numbers => ({
  rows,
  columns,
  values: Float64Array.from(values).subarray(0, rows * columns),
});

/** Router logits that lead every token to the experts that `choose` names, the first with the most weight. */
function logitsFor(tokens: number, spec: RouteSpec, choose: (token: number) => readonly number[]): Numbers {
  return makeNumbers(tokens, spec.experts, (token, expert) => {
    const place = choose(token).indexOf(expert);
    return place < 0 ? -9 : 2 - 0.75 * place;
  });
}

/**
 * Runs experts by those logits and compares with one token at a time through one expert at a time.
 * @param tokens how many of the tokens run. Errors are held against what all of them put out, or those that run where
 *   that is more: the sums of one alone may happen to be next to nothing, or large
 */
async function checkExperts(
  bench: Bench,
  spec: RouteSpec,
  logits: Numbers,
  mlps: readonly RandomMlp[],
  activation: Activation,
  tokens = logits.rows,
) {
  const hidden = (mlps[0] as RandomMlp).down.rows;
  const x = bench.normals(logits.rows, hidden);
  const weights = await bench.experts(mlps.map((mlp) => mlp.data));
  const [input, router] = [bench.input(head(x, tokens)), bench.input(head(logits, tokens))];
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
      naiveMlp(row, mlps[expert] as RandomMlp, activation).values.forEach((value, d) => {
        const i = token * hidden + d;
        expected.values[i] = (expected.values[i] as number) + (choice.weights[a] as number) * value;
      });
    });
  }
  const own = head(expected, tokens).values;
  assertClose(
    `${tokens} tokens`,
    y,
    own,
    errorGrowth(activation) * bench.tolerated(mlps.flatMap(({ data }) => [...data.gateUp, data.down])),
    Math.max(rms(expected.values), rms(own)),
  );
  bench.clear();
}

/** E experts of D = 64, F = 48. */
const makeExperts = (
  bench: Bench,
  experts: number,
  kind: Kind,
  fused = true,
  sort: Parameters<typeof randomMlp>[6] = {},
): RandomMlp[] => Array.from({ length: experts }, () => randomMlp(bench, 64, 48, kind, kind, fused, sort));

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

export const expertCases: readonly Case[] = [
  ...Object.entries(crowds).map(
    ([name, [experts, perToken, tokens, choose]]): Case => ({
      name: `experts: ${name}`,
      async run(bench) {
        const spec = routeOf(experts, perToken);
        for (const kind of ['F32', nf4] as const) {
          const logits = logitsFor(tokens, spec, choose);
          await checkExperts(bench, spec, logits, makeExperts(bench, experts, kind), silu);
        }
      },
    }),
  ),
  ...(['F32', 'F16', 'BF16', ...codeLayouts, ...scaleLayouts] as const).map(
    (kind): Case => ({
      name: `experts: ${typeof kind === 'string' ? kind : kind.name}`,
      async run(bench) {
        const spec = routeOf(4, 2);
        const logits = logitsFor(11, spec, (token) => [token % 4, (token + 1 + (token % 3)) % 4]);
        for (const tokens of [1, 11]) {
          const experts = makeExperts(bench, 4, kind, tokens === 1);
          await checkExperts(bench, spec, logits, experts, silu, tokens);
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
      await checkExperts(bench, spec, logits, mlps, silu);
    },
  },
  {
    name: 'experts: odd sizes and other activations',
    async run(bench) {
      for (const [hidden, intermediate, kind] of [
        [33, 7, 'geluTanh'],
        [130, 65, 'gelu'],
        [1, 1, 'silu'],
      ] as const) {
        const spec = routeOf(3, 2);
        const mlps = [nf4, int4, nf4].map((layout) =>
          randomMlp(bench, hidden, intermediate, layout, layout, true),
        );
        const logits = logitsFor(24, spec, (token) => [token % 3, (token + 1) % 3]);
        await checkExperts(bench, spec, logits, mlps, { kind, gated: true });
      }
    },
  },
  {
    name: 'experts: without gates, with limits, offsets and biases, a layout for each',
    async run(bench) {
      const spec = routeOf(6, 3);
      const layouts: readonly Kind[] = [nf4, 'BF16', int4, ...codeLayouts.slice(4, 7)];
      for (const activation of [gptOss, clampedSilu, stepSilu, plainRelu2, clampedGelu]) {
        for (const [tokens, biased] of [
          [1, true],
          [2, false],
          [13, true],
          [70, true],
        ] as const) {
          const { gated } = activation;
          const logits = logitsFor(tokens, spec, (token) => [0, 1, 2].map((a) => (token + 2 * a) % 6));
          const alike = makeExperts(bench, 6, tokens === 13 ? 'F32' : nf4, tokens > 1, { gated, biased });
          await checkExperts(bench, spec, logits, alike, activation);
          const mixed = layouts.map((kind, e) =>
            randomMlp(bench, 66, 40, kind, layouts[(e + 1) % 6] as Kind, e % 2 === 0, { gated, biased }),
          );
          await checkExperts(bench, spec, logits, mixed, activation);
        }
      }
    },
  },
];
