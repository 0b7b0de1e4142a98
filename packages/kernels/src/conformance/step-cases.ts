// Steps: their order, what dies at their end, failures, the same bits twice.
import type { Weight } from '../resources.js';
import type { Case } from './bench.js';
import { assertRefused } from './bench.js';
import { assertClose, assertSame, assertTrue } from './compare.js';
import { nf4 } from './layouts.js';
import { naiveLinear, silu } from './naive.js';
import { clearLogits } from './naive-route.js';
import { randomMatrix } from './random-matrix.js';
import { expertsData } from './random-mlp.js';

export const stepCases: readonly Case[] = [
  {
    name: 'step: the same input gives the same bits',
    async run(bench) {
      const spec = { experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
      const experts = await bench.experts(expertsData(bench, 8, 96, 64));
      const wide = await bench.weight(randomMatrix(nf4.make(bench.random, 96), [150, 96], bench.random));
      for (const tokens of [1, 40]) {
        const input = bench.input(bench.normals(tokens, 96));
        const logits = bench.input({
          rows: tokens,
          columns: 8,
          values: clearLogits(tokens, spec, bench.random),
        });
        const run = () =>
          bench.run((step) =>
            step.linear(step.experts(input(step), step.route(logits(step), spec), experts, silu), wide),
          );
        const first = await run();
        for (let again = 0; again < 4; again++) assertSame('the same step again', await run(), first);
      }
    },
  },
  {
    name: 'step: concurrent callers get their steps one after the other, in order',
    async run(bench) {
      const matrices = Array.from({ length: 8 }, () => randomMatrix('F32', [20, 32], bench.random));
      const x = bench.normals(3, 32);
      const input = bench.input(x);
      const weights: Weight[] = [];
      for (const matrix of matrices) weights.push(await bench.weight(matrix));
      const events: string[] = [];
      const results = await Promise.all(
        weights.map((weight, i) =>
          bench.backend.step(async (step) => {
            events.push(`${i} begins`);
            const activations = input(step);
            await step.read(activations);
            await new Promise((resolve) => setTimeout(resolve, 1));
            const y = await step.read(step.linear(activations, weight));
            events.push(`${i} ends`);
            return y;
          }),
        ),
      );
      const ordered = matrices.flatMap((_, i) => [`${i} begins`, `${i} ends`]);
      assertTrue(`steps in order, found ${events.join(', ')}`, events.join() === ordered.join());
      results.forEach((y, i) => {
        assertClose(
          `step ${i}`,
          y,
          naiveLinear(x, matrices[i] as (typeof matrices)[0]).values,
          bench.tolerance.float,
        );
      });
    },
  },
  {
    name: 'step: one that fails does not hold up the next',
    async run(bench) {
      const x = bench.normals(1, 8);
      const input = bench.input(x);
      const failure = new Error('of the body itself');
      const failing = bench.backend.step(async (step) => {
        input(step);
        throw failure;
      });
      const next = bench.run(input);
      const caught = await failing.then(
        () => null,
        (error: unknown) => error,
      );
      assertTrue("the body's own error", caught === failure);
      assertSame('the next step', await next, x.values);
    },
  },
  {
    name: 'step: activations and the step die at its end',
    async run(bench) {
      const input = bench.input(bench.normals(2, 8));
      const spec = { experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
      const old = await bench.backend.step(async (step) => {
        const x = input(step);
        return { step, x, routing: step.route(x, spec) };
      });
      await assertRefused('activations of an earlier step', 'out of its step', () =>
        bench.run((step) => step.add(input(step), old.x)),
      );
      await assertRefused('reading them', 'out of its step', () =>
        bench.backend.step(async (step) => step.read(old.x)),
      );
      await assertRefused('routing of an earlier step', 'out of its step', () =>
        bench.backend.step(async (step) => step.readRouting(old.routing)),
      );
      await assertRefused('an operation of an earlier step', 'ended', () => input(old.step));
    },
  },
];
