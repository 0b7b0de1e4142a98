// route: every kind of score, groups, bias and scaling; the same experts as sorting in float64, whatever the numbers.
//
// Shapes: T tokens, E experts, A experts per token.
import type { RouteSpec } from '@moeq/router';
import type { Bench, Case } from './bench.js';
import { assertRefused } from './bench.js';
import { assertClose, assertSame } from './compare.js';
import { clearLogits, naiveRoute } from './naive-route.js';

const base: RouteSpec = { experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: true };

const specs: Record<string, RouteSpec> = {
  'softmax, normalized (Mixtral)': base,
  'softmax, not normalized (OLMoE)': { ...base, experts: 64, expertsPerToken: 8, normalizeTopK: false },
  'softmax over 512 experts (Qwen3-Next)': { ...base, experts: 512, expertsPerToken: 10 },
  'softmax with a scaling factor': { ...base, experts: 60, expertsPerToken: 4, scalingFactor: 2.5 },
  'softmax in groups by max (DeepSeek-V2)': {
    experts: 64,
    expertsPerToken: 6,
    score: 'softmax',
    normalizeTopK: false,
    scalingFactor: 16,
    groups: { count: 8, kept: 3, rank: 'max' },
  },
  'top-k, then softmax (gpt-oss)': { ...base, experts: 32, expertsPerToken: 4, score: 'softmaxAfterTopK' },
  'top-k, then softmax, of a third (GraniteMoE)': {
    ...base,
    experts: 9,
    expertsPerToken: 3,
    score: 'softmaxAfterTopK',
  },
  'sigmoid in groups by the top two (DeepSeek-V3)': {
    experts: 256,
    expertsPerToken: 8,
    score: 'sigmoid',
    normalizeTopK: true,
    normalizeEpsilon: 1e-20,
    scalingFactor: 2.5,
    groups: { count: 8, kept: 4, rank: 'topTwoSum' },
  },
  'sigmoid without groups (MiniMax-M2)': { ...base, experts: 33, expertsPerToken: 5, score: 'sigmoid' },
  'sigmoid, not normalized': {
    ...base,
    experts: 16,
    expertsPerToken: 3,
    score: 'sigmoid',
    normalizeTopK: false,
  },
  'sparse mixer (Phi-3.5-MoE)': { ...base, experts: 16, score: 'sparseMixer', jitter: 0.01 },
  'sparse mixer of many near ones': {
    ...base,
    experts: 33,
    expertsPerToken: 3,
    score: 'sparseMixer',
    jitter: 0.2,
    scalingFactor: 2.5,
  },
  'one expert': { ...base, experts: 1, expertsPerToken: 1 },
  'all experts': { ...base, experts: 7, expertsPerToken: 7 },
};

async function check(
  bench: Bench,
  spec: RouteSpec,
  tokens: number,
  logits: Float32Array,
  bias?: Float32Array,
  scales?: Float32Array,
) {
  const input = bench.input({ rows: tokens, columns: spec.experts, values: logits });
  const vector = bias && (await bench.vector(bias));
  const factors = scales && (await bench.vector(scales));
  const routing = await bench.backend.step(async (step) =>
    step.readRouting(step.route(input(step), spec, vector, factors)),
  );
  const expected = Array.from({ length: tokens }, (_, t) =>
    naiveRoute(Array.from(logits.subarray(t * spec.experts, (t + 1) * spec.experts)), spec, bias),
  );
  assertSame(
    'tokens and experts per token',
    [routing.tokens, routing.expertsPerToken],
    [tokens, spec.expertsPerToken],
  );
  assertSame(
    'expertIndices',
    routing.expertIndices,
    expected.flatMap((choice) => choice.experts),
  );
  assertClose(
    'expertWeights',
    routing.expertWeights,
    expected.flatMap(({ experts, weights }) =>
      weights.map((weight, i) => weight * (scales?.[experts[i] as number] ?? 1)),
    ),
    bench.tolerance.float,
  );
}

export const routeCases: readonly Case[] = [
  ...Object.entries(specs).map(
    ([name, spec]): Case => ({
      name: `route: ${name}`,
      async run(bench) {
        for (const tokens of [1, 5, 70])
          await check(bench, spec, tokens, clearLogits(tokens, spec, bench.random));
      },
    }),
  ),
  {
    name: 'route: a correction bias takes part in the choice, not in the weights',
    async run(bench) {
      for (const spec of Object.values(specs)) {
        const bias = bench.random.normals(spec.experts, spec.score === 'sigmoid' ? 0.3 : 0.05);
        await check(bench, spec, 9, clearLogits(9, spec, bench.random, bias), bias);
      }
    },
  },
  {
    name: 'route: scales of experts take part in the weights, not in the choice',
    async run(bench) {
      for (const spec of Object.values(specs)) {
        const scales = bench.random.normals(spec.experts);
        await check(bench, spec, 9, clearLogits(9, spec, bench.random), undefined, scales);
        const bias = bench.random.normals(spec.experts, 0.05);
        await check(bench, spec, 9, clearLogits(9, spec, bench.random, bias), bias, scales);
      }
    },
  },
  {
    name: 'route: equal scores go to the lower index',
    async run(bench) {
      for (const spec of Object.values(specs)) {
        const logits = Float32Array.from({ length: 20 * spec.experts }, () => bench.random.integer(3) - 1);
        await check(bench, spec, 20, logits);
        await check(bench, spec, 1, new Float32Array(spec.experts));
      }
    },
  },
  {
    name: 'route: logits far apart',
    run: (bench) =>
      check(bench, base, 2, Float32Array.of(-80, 60, 0, 3, -90, 1, 2, -3, 1e4, -1e4, 9.9e3, 0, 1, 2, 3, 4)),
  },
  {
    name: 'route: a logit that is no number is an error',
    async run(bench) {
      const logits = clearLogits(3, base, bench.random);
      logits[11] = Number.NaN;
      const input = bench.input({ rows: 3, columns: 8, values: logits });
      await assertRefused('NaN among the logits', 'NaN', () =>
        bench.backend.step(async (step) => step.readRouting(step.route(input(step), base))),
      );
    },
  },
];
