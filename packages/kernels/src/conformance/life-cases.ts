// The life of a step and of what it is given: whose arrays are whose, what is refused after the end and in which words, reads
// that nothing waits for, and objects that are released on the way.
import { isQuantized, type Tensor } from '@moeq/tensors';
import type { MatrixData } from '../resources.js';
import type { ScanSpec, Segment, Step } from '../step.js';
import { assertSaid, type Bench, type Case, range } from './bench.js';
import { assertSame, assertTrue } from './compare.js';
import { nf4 } from './layouts.js';
import { silu } from './naive.js';
import { clearLogits } from './naive-route.js';
import { randomMatrix } from './random-matrix.js';
import { expertsData } from './random-mlp.js';

const route = { experts: 8, expertsPerToken: 2, score: 'softmax', normalizeTopK: true } as const;
const attention = { heads: 2, kvHeads: 1, headDim: 8, scale: 1 } as const;
const convolution = { taps: 2, gated: false };
const place = { at: 0, stride: 1 };
const deltaRule = {
  heads: 2,
  keyHeads: 2,
  keyDim: 1,
  valueDim: 2,
  decayPer: 'head',
  gate: 'silu',
  epsilon: 0,
  places: { beta: place, decay: place, gate: { at: 0, stride: 2 } },
} as const;
const sizes = { layers: 2, kvHeads: 1, headDim: 8, pageSize: 4, pages: 6 };
const ended = 'step: cannot run an operation: expected a running step, found one that has ended';
const dead = (kind: string) =>
  `${kind}: cannot use: expected an object that this backend made and still holds, found one that is released, out of its step, or of another backend`;

/** Every operation and read of a step, on objects that live. */
async function allOperations(bench: Bench) {
  const weight = await bench.weight(randomMatrix('F32', [8, 8], bench.random));
  const gate = await bench.weight(randomMatrix('F32', [1, 8], bench.random));
  const vector = await bench.vector(bench.random.normals(8));
  const parameters = await bench.vector(bench.random.normals(6));
  const [dense, ...others] = expertsData(bench, 9, 8, 32);
  const [mlp, experts] = [await bench.mlp(dense as (typeof others)[0]), await bench.experts(others)];
  const cache = bench.cache(sizes);
  const segments = [{ pages: Int32Array.of(1), start: 0, tokens: 2 }];
  const heads = await bench.heads(randomMatrix('F32', [24, 4], bench.random), 2);
  const latents = bench.cache({ ...sizes, valueDim: 0 });
  const latent = {
    ...{ heads: 2, nopeDim: 4, ropeDim: 4, latentDim: 4, valueDim: 8, scale: 1, rope: null },
    norm: { weight: await bench.vector(bench.random.normals(4)), epsilon: 0 },
  };
  const states = bench.states({ layers: 1, parts: 4, size: 1, slots: 1 });
  const scanStates = bench.states({ layers: 1, parts: 2, size: 2, slots: 1 });
  const scan: ScanSpec = {
    ...{ heads: 2, headDim: 2, stateDim: 1, groups: 1, decays: 'head' },
    ...{ leastTimeStep: 0, largestTimeStep: Infinity },
  };
  const matrices = bench.states({ layers: 1, parts: 2, size: 2, slots: 1 });
  const deltaWeights = await bench.vector(bench.random.normals(6));
  const values = bench.random.normals(16);
  return (step: Step) => {
    const x = step.input(values, 2);
    const qkv = step.input(bench.random.normals(64), 2);
    const logits = step.input(clearLogits(2, route, bench.random), 2);
    const routing = step.route(logits, route);
    const wide = step.input(bench.random.normals(32), 2);
    const narrow = step.input(bench.random.normals(8), 2);
    const part = { rows: narrow, first: 0 };
    const operations: Record<keyof Step, () => unknown> = {
      input: () => step.input(values, 2),
      embed: () => step.embed(weight, Int32Array.of(3)),
      norm: () => step.norm(x, { weight: vector, epsilon: 0 }),
      linear: () => step.linear(x, weight, vector),
      add: () => step.add(x, x),
      attention: () => step.attention(qkv, cache, 0, segments, { ...attention, rope: null }),
      latentAttention: () => step.latentAttention(wide, x, heads, latents, 0, segments, latent),
      convolution: () =>
        step.convolution(narrow, vector, states, 0, [{ tokens: 2, from: -1, to: 0 }], convolution),
      selectiveScan: () =>
        step.selectiveScan(
          ...([{ x: part, bc: part, timeStep: part, gate: part }, parameters, scanStates, 0] as const),
          ...([[{ tokens: 2, from: -1, to: 0 }], scan] as const),
        ),
      deltaRule: () =>
        step.deltaRule(
          x,
          { beta: narrow, decay: narrow, gate: narrow },
          deltaWeights,
          matrices,
          0,
          [{ tokens: 2, from: -1, to: 0 }],
          deltaRule,
        ),
      route: () => step.route(logits, route),
      experts: () => step.experts(x, routing, experts, silu),
      mlp: () => step.mlp(x, mlp, silu, gate),
      multiplyGated: () => step.multiplyGated(x, { rows: wide, first: 8 }, silu),
      selectRows: () => step.selectRows(x, Int32Array.of(1)),
      read: () => step.read(x),
      readRouting: () => step.readRouting(routing),
    };
    return operations;
  };
}

export const lifeCases: readonly Case[] = [
  {
    name: 'life: numbers, ids and rows may change when the operation has returned',
    async run(bench) {
      const table = randomMatrix('F32', [5, 8], bench.random);
      const weight = await bench.weight(table);
      const numbers = bench.random.normals(24);
      const given = { numbers: numbers.slice(), ids: Int32Array.of(4, 0), rows: Int32Array.of(2, 0) };
      const [x, embedded, selected] = await bench.backend.step(async (step) => {
        const input = step.input(given.numbers, 3);
        given.numbers.fill(0);
        const embedding = step.embed(weight, given.ids);
        given.ids.fill(1);
        const rows = step.selectRows(input, given.rows);
        given.rows.fill(1);
        return [await step.read(input), await step.read(embedding), await step.read(rows)];
      });
      assertSame('input', x as Float32Array, numbers);
      assertSame('embed', embedded as Float32Array, [
        ...table.values.slice(32, 40),
        ...table.values.slice(0, 8),
      ]);
      assertSame('selectRows', selected as Float32Array, [...numbers.slice(16), ...numbers.slice(0, 8)]);
    },
  },
  {
    name: 'life: segments, their pages and frequencies may change when the operation has returned',
    async run(bench) {
      const rope = {
        inverseFrequencies: Float32Array.of(1, 0.1),
        attentionFactor: 1,
        style: 'halves',
      } as const;
      const qkv = bench.input(bench.normals(7, 32));
      const segmentsOf = (): Segment[] => [
        { pages: Int32Array.of(3, 1), start: 0, tokens: 5, inverseFrequencies: Float32Array.of(0.7, 0.2) },
        { pages: Int32Array.of(2), start: 0, tokens: 2 },
      ];
      const run = async (change: (segments: Segment[]) => void) => {
        const cache = bench.cache(sizes);
        return bench.backend.step(async (step) => {
          const outputs = [0, 1].map((layer) => {
            const segments = segmentsOf();
            const output = step.attention(qkv(step), cache, layer, segments, { ...attention, rope });
            change(segments);
            return step.read(output);
          });
          // what the next step finds in the cache
          const later = [{ pages: Int32Array.of(3, 1), start: 5, tokens: 1 }];
          const next = step.selectRows(qkv(step), Int32Array.of(6));
          outputs.push(step.read(step.attention(next, cache, 0, later, { ...attention, rope })));
          return Promise.all(outputs);
        });
      };
      const expected = await run(() => {});
      const found = await run((segments) => {
        for (const { pages, inverseFrequencies } of segments) {
          pages.fill(5);
          inverseFrequencies?.fill(3);
        }
        segments.reverse();
        segments.push({ pages: new Int32Array(), start: 9, tokens: 9 });
      });
      expected.forEach((values, i) => {
        assertSame(`output ${i}`, found[i] as Float32Array, values);
      });
    },
  },
  {
    name: 'life: the same array of segments says something else in the next layer',
    async run(bench) {
      const rope = { inverseFrequencies: Float32Array.of(1), attentionFactor: 1, style: 'halves' } as const;
      const [first, second] = [bench.input(bench.normals(2, 32)), bench.input(bench.normals(2, 32))];
      const spec = { ...attention, rope };
      const changed = async (same: boolean) => {
        const cache = bench.cache(sizes);
        const pages = Int32Array.of(4, 0);
        const segments = [{ pages, start: 0, tokens: 2, inverseFrequencies: Float32Array.of(0.5) }];
        return bench.backend.step(async (step) => {
          const one = step.attention(first(step), cache, 0, segments, spec);
          const next = same ? segments : structuredClone(segments);
          const [segment] = next as [(typeof segments)[0]];
          segment.pages.reverse();
          segment.inverseFrequencies.fill(2);
          const other = step.attention(second(step), cache, 1, next, spec);
          return Promise.all([step.read(one), step.read(other)]);
        });
      };
      const [found, expected] = [await changed(true), await changed(false)];
      assertSame('the layer before', found[0] as Float32Array, expected[0] as Float32Array);
      assertSame('the layer after', found[1] as Float32Array, expected[1] as Float32Array);
    },
  },
  {
    name: 'life: an ended step refuses every operation and read, whatever its operands',
    async run(bench) {
      const operationsOf = await allOperations(bench);
      const kept: Record<keyof Step, () => unknown>[] = [];
      await bench.backend.step(async (step) => void kept.push(operationsOf(step)));
      const failing = bench.backend.step(async (step) => {
        kept.push(operationsOf(step));
        throw new Error('of the body itself');
      });
      await failing.catch(() => {});
      assertTrue('two steps', kept.length === 2);
      for (const operations of kept) {
        for (const [name, operation] of Object.entries(operations)) {
          await assertSaid(`${name} of an ended step`, 'stepEnded', ended, operation);
        }
      }
    },
  },
  {
    name: 'life: dead operands are refused in the same words, and the step goes on',
    async run(bench) {
      const weight = await bench.weight(randomMatrix('F32', [8, 8], bench.random));
      const vector = await bench.vector(bench.random.normals(8));
      const x = bench.normals(2, 8);
      const input = bench.input(x);
      bench.release(vector);
      const values = await bench.backend.step(async (step) => {
        const [used, other] = [input(step), input(step)];
        const sum = step.add(used, other);
        await assertSaid('what add has used up', 'deadObject', dead('activations'), () =>
          step.linear(used, weight),
        );
        await assertSaid('reading it', 'deadObject', dead('activations'), () => step.read(used));
        await assertSaid('a released vector', 'deadObject', dead('vector'), () =>
          step.linear(other, weight, vector),
        );
        await assertSaid('another kind of object', 'deadObject', dead('weight'), () =>
          step.linear(other, vector as unknown as typeof weight),
        );
        await assertSaid('columns that differ', 'mismatch', 'columns: cannot add: expected 8, found 4', () =>
          step.add(sum, step.input(new Float32Array(8), 2)),
        );
        return step.read(sum);
      });
      assertSame(
        'the sum',
        values,
        Array.from(x.values, (value) => Math.fround(Math.fround(value) + Math.fround(value))),
      );
    },
  },
  {
    name: 'life: a read that the body does not wait for is answered, also when the body fails',
    async run(bench) {
      const matrix = randomMatrix(nf4.make(bench.random, 64), [9, 64], bench.random);
      const weight = await bench.weight(matrix);
      const input = bench.input(bench.normals(3, 64));
      const expected = await bench.run((step) => step.linear(input(step), weight));
      const reads: Promise<Float32Array>[] = [];
      const ask = (step: Step) => void reads.push(step.read(step.linear(input(step), weight)));
      await bench.backend.step(async (step) => ask(step));
      const failing = bench.backend.step(async (step) => {
        ask(step);
        throw new Error('of the body itself');
      });
      const reason = await failing.then(
        () => null,
        (error: unknown) => error,
      );
      assertTrue("the body's own error", reason instanceof Error && reason.message === 'of the body itself');
      for (const answer of await Promise.all(reads)) assertSame('the answer', answer, expected);
    },
  },
  {
    name: 'life: a read that fails makes the step fail, even where the body catches it or does not wait',
    async run(bench) {
      const logits = clearLogits(1, route, bench.random);
      logits[3] = Number.NaN;
      const input = bench.input({ rows: 1, columns: 8, values: logits });
      for (const waits of [true, false]) {
        const failing = bench.backend.step(async (step) => {
          const answer = step.readRouting(step.route(input(step), route));
          if (waits) await answer.catch(() => {});
        });
        const reason = await failing.then(
          () => null,
          (error: unknown) => error,
        );
        assertTrue(
          `an error of code notFinite, found ${reason}`,
          reason instanceof Error && 'code' in reason && reason.code === 'notFinite',
        );
        await bench.run((step) => step.input(new Float32Array(1), 1));
      }
    },
  },
  {
    name: 'life: objects released while a step runs are there for what was issued before',
    async run(bench) {
      const { backend, random } = bench;
      const input = bench.input(bench.normals(2, 8));
      const [qkv, logits] = [
        bench.input(bench.normals(2, 32)),
        bench.input({ rows: 2, columns: 8, values: clearLogits(2, route, random) }),
      ];
      const segments = [{ pages: Int32Array.of(5), start: 0, tokens: 2 }];
      const table = randomMatrix('F32', [8, 8], random);
      const [dense, ...others] = expertsData(bench, 9, 8, 32);
      const numbers = random.normals(8);
      const run = async (releases: boolean) => {
        const weight = await backend.loadWeight([table.data]);
        const vector = await backend.loadVector(numbers);
        const mlp = await backend.loadMlp(dense as (typeof others)[0]);
        const experts = await backend.loadExperts(8, async (index) => others[index] as (typeof others)[0]);
        const cache = backend.createKvCache(sizes);
        const objects = [weight, vector, mlp, experts, cache];
        const release = (): void => {
          for (const object of objects) backend.release(object);
        };
        const results = await backend.step(async (step) => {
          const x = step.linear(step.norm(input(step), { weight: vector, epsilon: 0 }), weight, vector);
          const routed = step.experts(x, step.route(logits(step), route), experts, silu);
          const attended = step.attention(qkv(step), cache, 1, segments, { ...attention, rope: null });
          const outputs = [step.mlp(routed, mlp, silu), attended, step.embed(weight, range(3))];
          if (releases) {
            release();
            await assertSaid('the next operation', 'deadObject', dead('weight'), () =>
              step.linear(x, weight),
            );
          }
          // something else takes memory before they run
          backend.release(await backend.loadWeight([randomMatrix('F32', [64, 64], random).data]));
          return Promise.all(outputs.map((output) => step.read(output)));
        });
        if (!releases) release();
        return results;
      };
      const [expected, found] = [await run(false), await run(true)];
      expected.forEach((values, i) => {
        assertSame(`output ${i}`, found[i] as Float32Array, values);
      });
    },
  },
  {
    name: 'life: two sets of arrays are enough to load experts from',
    async run(bench) {
      const spec = { ...route, experts: 6 };
      const matrix = (rows: number, columns: number) =>
        plain(randomMatrix('BF16', [rows, columns], bench.random).data);
      const data = Array.from({ length: 6 }, () => ({ gateUp: matrix(64, 24), down: matrix(24, 32) }));
      const buffers = structuredClone(data.slice(0, 2));
      const reused = await bench.backend.loadExperts(6, async (index) => {
        const buffer = buffers[index % 2] as (typeof data)[0];
        const from = data[index] as (typeof data)[0];
        buffer.gateUp.data.set(from.gateUp.data);
        buffer.down.data.set(from.down.data);
        return { gateUp: [buffer.gateUp], down: buffer.down };
      });
      const whole = await bench.experts(data.map(({ gateUp, down }) => ({ gateUp: [gateUp], down })));
      const input = bench.input(bench.normals(5, 24));
      const logits = bench.input({ rows: 5, columns: 6, values: clearLogits(5, spec, bench.random) });
      const run = (experts: typeof whole) =>
        bench.run((step) => step.experts(input(step), step.route(logits(step), spec), experts, silu));
      assertSame('experts', await run(reused), await run(whole));
      bench.backend.release(reused);
    },
  },
];

function plain(data: MatrixData): Tensor {
  if (isQuantized(data)) throw new Error('a dtype makes a plain tensor');
  return data;
}
