// The backend and its objects: their descriptions, copies, sizes in memory, release and destruction.
import type { MlpData } from '../resources.js';
import type { Case } from './bench.js';
import { assertRefused, range } from './bench.js';
import { assertClose, assertSame, assertTrue } from './compare.js';
import { commonLayouts } from './layouts.js';
import { naiveLinear, silu } from './naive.js';
import { randomMatrix } from './random-matrix.js';
import { expertsData } from './random-mlp.js';

export const objectCases: readonly Case[] = [
  {
    name: 'backend: describes itself and its objects',
    async run({ backend, random }) {
      assertTrue('specificationVersion v1', backend.specificationVersion === 'v1');
      assertTrue('a name and a description', backend.name.length > 0 && backend.description.length > 0);
      assertTrue(
        'a positive number of threads',
        Number.isSafeInteger(backend.threads) && backend.threads > 0,
      );
      const weight = await backend.loadWeight([
        randomMatrix('BF16', [6, 40], random).data,
        randomMatrix('F32', [3, 40], random).data,
      ]);
      assertSame('rows and columns', [weight.rows, weight.columns], [9, 40]);
      const vector = await backend.loadVector(random.normals(12));
      assertSame('length of a vector', [vector.length], [12]);
      const spec = { layers: 2, kvHeads: 1, headDim: 8, pageSize: 4, pages: 3 };
      const cache = backend.createKvCache(spec);
      assertSame('sizes of the cache', Object.values(cache.spec), Object.values(spec));
      for (const object of [weight, vector, cache]) {
        assertTrue('bytes of every object', object.bytes > 0);
        backend.release(object);
      }
    },
  },
  {
    name: 'backend: quantized experts stay as small as they came',
    async run(bench) {
      const data = expertsData(bench, 4, 256, 192);
      const bytes = data
        .flatMap((expert) => [...expert.gateUp, expert.down])
        .flatMap((matrix) => ('planes' in matrix ? Object.values(matrix.planes) : [matrix]))
        .reduce((sum, plane) => sum + plane.data.byteLength, 0);
      const experts = await bench.experts(data);
      assertSame('number of experts', [experts.experts], [4]);
      assertTrue(
        `at least ${0.9 * bytes} and at most ${1.5 * bytes} bytes in memory, found ${experts.bytes}`,
        experts.bytes >= 0.9 * bytes && experts.bytes <= 1.5 * bytes,
      );
    },
  },
  {
    name: 'backend: experts are asked for one after the other',
    async run(bench) {
      const data = expertsData(bench, 5, 64, 32);
      const asked: number[] = [];
      let running = 0;
      const experts = await bench.backend.loadExperts(5, async (index) => {
        assertTrue('one expert at a time', ++running === 1);
        asked.push(index);
        await new Promise((resolve) => setTimeout(resolve, 1));
        running--;
        return data[index] as MlpData;
      });
      bench.backend.release(experts);
      assertSame('experts asked for', asked, range(5));
    },
  },
  {
    name: 'backend: loaded data may be dropped',
    async run(bench) {
      for (const layout of ['F32', 'BF16', ...commonLayouts] as const) {
        const kind = typeof layout === 'string' ? layout : layout.make(bench.random, 64);
        const matrix = randomMatrix(kind, [9, 64], bench.random);
        const weight = await bench.weight(matrix);
        const planes = 'planes' in matrix.data ? Object.values(matrix.data.planes) : [matrix.data];
        for (const plane of planes) plane.data.fill(0);
        const x = bench.normals(2, 64);
        const input = bench.input(x);
        const y = await bench.run((step) => step.linear(input(step), weight));
        assertClose('product', y, naiveLinear(x, matrix).values, bench.tolerated([matrix.data]));
      }
      const values = bench.random.normals(16);
      const kept = values.slice();
      const bias = await bench.vector(values);
      values.fill(0);
      const zeros = bench.input({ rows: 1, columns: 4, values: new Float32Array(4) });
      const weight = await bench.weight(randomMatrix('F32', [16, 4], bench.random));
      assertSame('bias', await bench.run((step) => step.linear(zeros(step), weight, bias)), kept);
    },
  },
  {
    name: 'backend: released objects are refused',
    async run(bench) {
      const { backend, random } = bench;
      const input = bench.input(bench.normals(1, 64));
      const weight = await bench.weight(randomMatrix('BF16', [3, 64], random));
      const vector = await bench.vector(random.normals(64));
      const mlp = await bench.mlp(expertsData(bench, 1, 64, 32)[0] as MlpData);
      const experts = await bench.experts(expertsData(bench, 2, 64, 32));
      const cache = bench.cache({ layers: 1, kvHeads: 1, headDim: 16, pageSize: 4, pages: 2 });
      for (const object of [weight, vector, mlp, experts, cache]) bench.release(object);
      const route = { experts: 2, expertsPerToken: 1, score: 'softmax', normalizeTopK: true } as const;
      const attention = { heads: 2, kvHeads: 1, headDim: 16, scale: 1, rope: null };
      const segments = [{ pages: Int32Array.of(0), start: 0, tokens: 1 }];
      const logits = bench.input(bench.normals(1, 2));
      await assertRefused('a released weight', 'one that is released', () =>
        bench.run((step) => step.linear(input(step), weight)),
      );
      await assertRefused('a released vector', 'one that is released', () =>
        bench.run((step) => step.norm(input(step), { weight: vector, epsilon: 0 })),
      );
      await assertRefused('released MLP weights', 'one that is released', () =>
        bench.run((step) => step.mlp(input(step), mlp, silu)),
      );
      await assertRefused('released experts', 'one that is released', () =>
        bench.run((step) => step.experts(input(step), step.route(logits(step), route), experts, silu)),
      );
      await assertRefused('a released cache', 'one that is released', () =>
        bench.run((step) => step.attention(input(step), cache, 0, segments, attention)),
      );
      await assertRefused('releasing twice', 'one that is released', () => backend.release(weight));
    },
  },
  {
    name: 'backend: objects of another backend are refused',
    async run(bench) {
      const other = await bench.another();
      try {
        const weight = await other.loadWeight([randomMatrix('F32', [3, 16], bench.random).data]);
        const input = bench.input(bench.normals(1, 16));
        await assertRefused('a weight of another backend', 'one that is released', () =>
          bench.run((step) => step.linear(input(step), weight)),
        );
        await assertRefused('releasing it', 'one that is released', () => bench.backend.release(weight));
      } finally {
        await other.destroy();
      }
    },
  },
  {
    name: 'backend: destroyed once its steps are done, and refused from then on',
    async run(bench) {
      const other = await bench.another();
      const matrix = randomMatrix('F32', [4, 16], bench.random);
      const table = await other.loadWeight([matrix.data]);
      const running = other.step(async (step) => step.read(step.embed(table, range(4))));
      await other.destroy();
      assertSame('the step that was asked for before', await running, matrix.values);
      await other.destroy();
      await assertRefused('loading a weight', 'a destroyed one', () => other.loadWeight([matrix.data]));
      await assertRefused('creating a cache', 'a destroyed one', () =>
        other.createKvCache({ layers: 1, kvHeads: 1, headDim: 8, pageSize: 4, pages: 1 }),
      );
      await assertRefused('a step', 'a destroyed one', () => other.step(async () => 1));
    },
  },
];
