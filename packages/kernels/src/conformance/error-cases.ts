// Shapes that disagree, indices out of range, matrices that are none: each is a MoeqError, and the backend goes on.
import type { RouteSpec } from '@moeq/router';
import { isQuantized } from '@moeq/tensors';
import type { Activation } from '../activation.js';
import type { MatrixData } from '../resources.js';
import type { AttentionSpec, Segment, Step } from '../step.js';
import type { Bench, Case } from './bench.js';
import { assertRefused } from './bench.js';
import { assertSame } from './compare.js';
import { nf4 } from './layouts.js';
import { silu } from './naive.js';
import { randomMatrix } from './random-matrix.js';

const route: RouteSpec = { experts: 4, expertsPerToken: 2, score: 'softmax', normalizeTopK: true };
const attention: AttentionSpec = { heads: 2, kvHeads: 1, headDim: 8, scale: 1, rope: null };

/** After every refusal, a step that works. */
async function refuse(
  bench: Bench,
  what: string,
  found: string,
  body: (step: Step) => unknown,
): Promise<void> {
  await assertRefused(what, found, () => bench.backend.step(async (step) => body(step)));
  const x = bench.normals(1, 3);
  const input = bench.input(x);
  assertSame('the next step', await bench.run(input), x.values);
}

export const errorCases: readonly Case[] = [
  {
    name: 'errors: matrices that cannot be loaded',
    async run({ backend, random }) {
      const float = randomMatrix('F32', [4, 64], random).data;
      if (isQuantized(float)) throw new Error('a dtype makes a plain tensor');
      const quantized = randomMatrix(nf4.make(random, 64), [4, 64], random).data;
      if (!isQuantized(quantized)) throw new Error('a layout makes a quantized tensor');
      const { codes, ...planes } = quantized.planes;
      const cases: Record<string, readonly [parts: MatrixData[], found: string]> = {
        'no parts': [[], 'none'],
        'parts of different columns': [[float, randomMatrix('F32', [4, 32], random).data], '32'],
        'a vector': [[{ ...float, shape: [256] }], '[256]'],
        'a stack of matrices': [[{ ...float, shape: [1, 4, 64] }], '[1,4,64]'],
        'too few bytes': [[{ ...float, data: float.data.subarray(4) }], '1020'],
        integers: [[{ ...float, dtype: 'I32' as const }], 'I32'],
        'no layout': [[{ ...quantized, layout: null }], 'in format "random"'],
        'a missing plane': [[{ ...quantized, planes }], 'planes scales'],
        'a short plane': [
          [
            {
              ...quantized,
              planes: {
                ...planes,
                codes: { dtype: 'U8' as const, data: codes?.data.subarray(1) ?? new Uint8Array() },
              },
            },
          ],
          '127 bytes',
        ],
      };
      for (const [what, [parts, found]] of Object.entries(cases)) {
        await assertRefused(`loading ${what}`, found, () => backend.loadWeight(parts));
      }
    },
  },
  {
    name: 'errors: MLPs and experts that do not fit together',
    async run({ backend, random }) {
      const matrix = (rows: number, columns: number) => randomMatrix('F32', [rows, columns], random).data;
      const good = { gateUp: [matrix(16, 12)], down: matrix(12, 8) };
      await assertRefused('gate and up too short', '15', () =>
        backend.loadMlp({ ...good, gateUp: [matrix(15, 12)] }),
      );
      await assertRefused('gate and up too narrow', '11', () =>
        backend.loadMlp({ ...good, gateUp: [matrix(16, 11)] }),
      );
      await assertRefused('no gate', 'none', () => backend.loadMlp({ ...good, gateUp: [] }));
      for (const count of [0, -1, 1.5, Number.NaN]) {
        await assertRefused(`${count} experts`, `${count}`, () =>
          backend.loadExperts(count, async () => good),
        );
      }
      await assertRefused('a bias of gate and up too short', '15', () =>
        backend.loadMlp({ ...good, gateUpBias: new Float32Array(15) }),
      );
      await assertRefused('a bias of down too long', '13', () =>
        backend.loadMlp({ ...good, downBias: new Float32Array(13) }),
      );
      await assertRefused('an expert without a gate among others', '0', () =>
        backend.loadExperts(2, async (e) => (e === 0 ? good : { ...good, gateUp: [matrix(8, 12)] })),
      );
      await assertRefused('an expert without a bias among others', '0', () =>
        backend.loadExperts(2, async (e) => (e === 0 ? { ...good, downBias: new Float32Array(12) } : good)),
      );
      const wider = { gateUp: [matrix(18, 12)], down: matrix(12, 9) };
      await assertRefused('experts of different sizes', '9', () =>
        backend.loadExperts(2, async (e) => (e === 0 ? good : wider)),
      );
      await assertRefused('an expert that cannot be read', 'none', () =>
        backend.loadExperts(2, async (e) => (e === 0 ? good : { ...good, gateUp: [] })),
      );
    },
  },
  {
    name: 'errors: operations on shapes that disagree',
    async run(bench) {
      const weight = await bench.weight(randomMatrix('F32', [6, 8], bench.random));
      const [six, eight] = [await bench.vector(new Float32Array(6)), await bench.vector(new Float32Array(8))];
      const [x, narrow, more] = [
        bench.input(bench.normals(2, 8)),
        bench.input(bench.normals(2, 7)),
        bench.input(bench.normals(3, 8)),
      ];
      await refuse(bench, 'linear of other columns', '7', (step) => step.linear(narrow(step), weight));
      await refuse(bench, 'a bias of other length', '8', (step) => step.linear(x(step), weight, eight));
      await refuse(bench, 'a norm of other length', '6', (step) =>
        step.norm(x(step), { weight: six, epsilon: 0 }),
      );
      await refuse(bench, 'adding other columns', '7', (step) => step.add(x(step), narrow(step)));
      await refuse(bench, 'adding other rows', '3', (step) => step.add(x(step), more(step)));
      for (const rows of [0, -2, 1.5, 3, Number.NaN]) {
        await refuse(bench, `8 values as ${rows} rows`, `${rows}`, (step) =>
          step.input(new Float32Array(8), rows),
        );
      }
      await refuse(bench, 'no values', '1', (step) => step.input(new Float32Array(), 1));
      for (const ids of [[6], [-1], [0, 99], []]) {
        const wrong = `${ids.at(-1) ?? 'none'}`;
        await refuse(bench, `embedding ids ${ids}`, wrong, (step) =>
          step.embed(weight, Int32Array.from(ids)),
        );
        await refuse(bench, `selecting rows ${ids}`, wrong, (step) =>
          step.selectRows(x(step), Int32Array.from(ids)),
        );
      }
    },
  },
  {
    name: 'errors: routing and experts that disagree',
    async run(bench) {
      const [logits, other, x, narrow] = [
        bench.input(bench.normals(2, 4)),
        bench.input(bench.normals(3, 4)),
        bench.input(bench.normals(2, 12)),
        bench.input(bench.normals(2, 11)),
      ];
      const matrix = (rows: number, columns: number) =>
        randomMatrix('F32', [rows, columns], bench.random).data;
      const expert = () => ({ gateUp: [matrix(16, 12)], down: matrix(12, 8) });
      const experts = await bench.experts([expert(), expert(), expert(), expert()]);
      const fewer = await bench.experts([expert(), expert()]);
      const mlp = await bench.mlp(expert());
      const gate = await bench.weight({ data: matrix(1, 11) });
      const bias = await bench.vector(new Float32Array(5));
      await refuse(bench, 'logits of other experts', '12', (step) => step.route(x(step), route));
      await refuse(bench, 'more experts per token than experts', '"5"', (step) =>
        step.route(logits(step), { ...route, expertsPerToken: 5 }),
      );
      await refuse(bench, 'a correction bias of other length', '5', (step) =>
        step.route(logits(step), route, bias),
      );
      await refuse(bench, 'a routing of other tokens', '3', (step) =>
        step.experts(x(step), step.route(other(step), route), experts, silu),
      );
      await refuse(bench, 'a routing of more experts', '4', (step) =>
        step.experts(x(step), step.route(logits(step), route), fewer, silu),
      );
      await refuse(bench, 'experts of other columns', '11', (step) =>
        step.experts(narrow(step), step.route(logits(step), route), experts, silu),
      );
      await refuse(bench, 'an MLP of other columns', '11', (step) => step.mlp(narrow(step), mlp, silu));
      const relu2: Activation = { kind: 'relu2', gated: false };
      await refuse(bench, 'an activation without a gate', 'without a gate', (step) =>
        step.mlp(x(step), mlp, relu2),
      );
      await refuse(bench, 'a limit of zero', '0', (step) => step.mlp(x(step), mlp, { ...silu, limit: 0 }));
      await refuse(bench, 'an alpha of gelu', '2', (step) =>
        step.mlp(x(step), mlp, { kind: 'gelu', gated: true, alpha: 2 }),
      );
      await refuse(bench, 'an output gate of other columns', '11', (step) =>
        step.mlp(x(step), mlp, silu, gate),
      );
      await refuse(bench, 'ups of other tokens', '3', (step) =>
        step.multiplyGated(x(step), { rows: other(step), first: 0 }, silu),
      );
      await refuse(bench, 'ups beyond their rows', '12', (step) =>
        step.multiplyGated(narrow(step), { rows: x(step), first: 2 }, silu),
      );
      await refuse(bench, 'gates of an activation without any', 'without a gate', (step) =>
        step.multiplyGated(narrow(step), { rows: x(step), first: 0 }, relu2),
      );
    },
  },
  {
    name: 'errors: attention outside its cache',
    async run(bench) {
      const sizes = { layers: 1, kvHeads: 1, headDim: 8, pageSize: 4, pages: 3 };
      await assertRefused('a cache without pages', '0', () =>
        bench.backend.createKvCache({ ...sizes, pages: 0 }),
      );
      const cache = bench.cache(sizes);
      const [qkv, narrow] = [bench.input(bench.normals(5, 32)), bench.input(bench.normals(5, 31))];
      const segment: Segment = { pages: Int32Array.of(2, 0), start: 0, tokens: 5 };
      const norm = { weight: await bench.vector(new Float32Array(7)), epsilon: 0, over: 'head' as const };
      const attend =
        (change: { segments?: Segment[]; spec?: Partial<AttentionSpec>; layer?: number }) => (step: Step) =>
          step.attention(qkv(step), cache, change.layer ?? 0, change.segments ?? [segment], {
            ...attention,
            ...change.spec,
          });
      await refuse(bench, 'queries, keys and values of other columns', '31', (step) =>
        step.attention(narrow(step), cache, 0, [segment], attention),
      );
      await refuse(
        bench,
        'too few pages',
        '1',
        attend({ segments: [{ ...segment, pages: Int32Array.of(2) }] }),
      );
      await refuse(
        bench,
        'a page that is not there',
        '3',
        attend({ segments: [{ ...segment, pages: Int32Array.of(2, 3) }] }),
      );
      const later = { pages: Int32Array.of(-1, 0, 2), start: 5, tokens: 5 };
      await refuse(bench, 'a page given back that a window sees', '-1', (step) =>
        step.attention(qkv(step), cache, 0, [later], { ...attention, window: 3 }),
      );
      await refuse(bench, 'a page given back without a window', '-1', attend({ segments: [later] }));
      await refuse(bench, 'a start below zero', '-1', attend({ segments: [{ ...segment, start: -1 }] }));
      await refuse(bench, 'segments of fewer tokens', '4', attend({ segments: [{ ...segment, tokens: 4 }] }));
      await refuse(bench, 'no segments', '0', attend({ segments: [] }));
      await refuse(bench, 'a layer that is not there', '1', attend({ layer: 1 }));
      await refuse(bench, 'other key/value heads', '2', attend({ spec: { kvHeads: 2 } }));
      await refuse(bench, 'another head dimension', '16', attend({ spec: { headDim: 16 } }));
      await refuse(bench, 'a query norm of other length', '7', attend({ spec: { queryNorm: norm } }));
      await refuse(bench, 'sinks of more heads', '7', attend({ spec: { sinks: norm.weight } }));
      const gate = { kind: 'sigmoid', per: 'number', placed: 'withQueries' } as const;
      await refuse(bench, 'a row without gates', '32', attend({ spec: { gate } }));
      await refuse(bench, 'a window of nothing', '0', attend({ spec: { window: 0 } }));
      const rope = { inverseFrequencies: new Float32Array(5), attentionFactor: 1, style: 'halves' as const };
      await refuse(bench, 'a rotation wider than a head', '10', attend({ spec: { rope } }));
      const own = { ...segment, inverseFrequencies: new Float32Array(2) };
      await refuse(bench, 'frequencies of a segment that does not turn', '2', attend({ segments: [own] }));
      const wider = { ...rope, inverseFrequencies: new Float32Array(4) };
      await refuse(
        bench,
        'fewer frequencies of a segment than turn',
        '2',
        attend({ segments: [own], spec: { rope: wider } }),
      );
    },
  },
];
