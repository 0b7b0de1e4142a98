// Operations together, as a decoder chains them: what one leaves in memory the next must find, in any order of steps.
//
// Shapes: D hidden 64, V vocabulary 50, H 4 heads of 16 over HK 2, E 6 experts of F 32, A 2 per token, L 2 layers.
import type { RouteSpec } from '@moeq/router';
import type { Activations, AttentionSpec, Segment, Step } from '../step.js';
import type { Bench, Case } from './bench.js';
import { assertClose } from './compare.js';
import type { Numbers } from './naive.js';
import { at, makeNumbers, naiveLinear, naiveMlp, naiveRmsNorm, silu } from './naive.js';
import type { NaiveSequence } from './naive-attention.js';
import { naiveAttention } from './naive-attention.js';
import { clearLogits, naiveRoute } from './naive-route.js';
import { randomMatrix } from './random-matrix.js';

const [hidden, vocabulary, experts, inner, layers, epsilon] = [64, 50, 6, 32, 2, 1e-5];
const route: RouteSpec = { experts, expertsPerToken: 2, score: 'softmax', normalizeTopK: true };
const attention: AttentionSpec = {
  heads: 4,
  kvHeads: 2,
  headDim: 16,
  scale: 0.25,
  rope: {
    inverseFrequencies: Float32Array.from({ length: 8 }, (_, i) => 1000 ** (-i / 8)),
    attentionFactor: 1,
    style: 'halves',
  },
};

/** Weights of a decoder, loaded and as numbers. Router logits come from a table by token id: no rounding can turn them. */
async function makeModel(bench: Bench) {
  const matrix = async (rows: number, columns: number) => {
    const numbers = randomMatrix('BF16', [rows, columns], bench.random);
    return { numbers, weight: await bench.weight(numbers) };
  };
  const norm = async () => {
    const values = bench.random.normals(hidden);
    return { values, weight: await bench.vector(values) };
  };
  const makeLayer = async () => {
    const mlps = Array.from({ length: experts }, () => ({
      gateUp: randomMatrix('F32', [2 * inner, hidden], bench.random),
      down: randomMatrix('F16', [hidden, inner], bench.random),
    }));
    const data = mlps.map(({ gateUp, down }) => ({ gateUp: [gateUp.data], down: down.data }));
    const values = clearLogits(vocabulary, route, bench.random);
    const logits = { rows: vocabulary, columns: experts, values };
    const bytes = new Uint8Array(values.slice().buffer);
    const table = await bench.weight({ data: { dtype: 'F32', shape: [vocabulary, experts], data: bytes } });
    return {
      attentionNorm: await norm(),
      qkv: await matrix(128, hidden),
      output: await matrix(hidden, 64),
      mlpNorm: await norm(),
      logits,
      table,
      mlps,
      experts: await bench.experts(data),
    };
  };
  return {
    embedding: await matrix(vocabulary, hidden),
    layers: [await makeLayer(), await makeLayer()],
    norm: await norm(),
    head: await matrix(vocabulary, hidden),
  };
}

type Model = Awaited<ReturnType<typeof makeModel>>;

function runModel(
  step: Step,
  model: Model,
  cache: Parameters<Step['attention']>[1],
  ids: Int32Array,
  segments: Segment[],
): Activations {
  let x = step.embed(model.embedding.weight, ids);
  model.layers.forEach((layer, index) => {
    const normed = step.norm(x, { weight: layer.attentionNorm.weight, epsilon });
    const attended = step.attention(step.linear(normed, layer.qkv.weight), cache, index, segments, attention);
    x = step.add(x, step.linear(attended, layer.output.weight));
    const inputs = step.norm(x, { weight: layer.mlpNorm.weight, epsilon });
    const routing = step.route(step.embed(layer.table, ids), route);
    x = step.add(x, step.experts(inputs, routing, layer.experts, silu), 0.5);
  });
  return step.linear(step.norm(x, { weight: model.norm.weight, epsilon }), model.head.weight);
}

/** The same, for one whole sequence. Float64 [T, V] */
function runNaive(model: Model, ids: readonly number[]): Numbers {
  let x: Numbers = makeNumbers(ids.length, hidden, (t, d) =>
    at(model.embedding.numbers, ids[t] as number, d),
  );
  for (const layer of model.layers) {
    const qkv = naiveLinear(naiveRmsNorm(x, layer.attentionNorm.values, epsilon), layer.qkv.numbers);
    const sequence: NaiveSequence = { keys: [], values: [] };
    const rows = ids.map((_, t) => {
      const row = Array.from({ length: qkv.columns }, (_, i) => at(qkv, t, i));
      return naiveAttention(row, t, sequence, attention, {});
    });
    const attended = naiveLinear(
      makeNumbers(ids.length, 64, (t, d) => rows[t]?.[d] as number),
      layer.output.numbers,
    );
    const before = x;
    const middle = makeNumbers(ids.length, hidden, (t, d) => at(before, t, d) + at(attended, t, d));
    const normed = naiveRmsNorm(middle, layer.mlpNorm.values, epsilon);
    const added = ids.map((id, t) => {
      const choice = naiveRoute(
        Array.from({ length: experts }, (_, e) => at(layer.logits, id, e)),
        route,
      );
      const row = makeNumbers(1, hidden, (_, d) => at(normed, t, d));
      const outputs = choice.experts.map((e) => {
        return naiveMlp(row, layer.mlps[e] as (typeof layer.mlps)[0], silu);
      });
      return (d: number) =>
        outputs.reduce((sum, y, a) => sum + (choice.weights[a] as number) * at(y, 0, d), 0);
    });
    x = makeNumbers(ids.length, hidden, (t, d) => at(middle, t, d) + 0.5 * (added[t]?.(d) as number));
  }
  return naiveLinear(naiveRmsNorm(x, model.norm.values, epsilon), model.head.numbers);
}

/** Errors of two layers add up. */
const chainFactor = 10;

const lastRows = (numbers: Numbers, count: number) =>
  Array.from(numbers.values).slice((numbers.rows - count) * numbers.columns);

export const modelCases: readonly Case[] = [
  {
    name: 'model: prefill, and the same a token at a time',
    async run(bench) {
      const model = await makeModel(bench);
      const ids = Array.from({ length: 13 }, () => bench.random.integer(vocabulary));
      const expected = runNaive(model, ids);
      for (const pieces of [[13], [5, 8], ids.map(() => 1)]) {
        const cache = bench.cache({ layers, kvHeads: 2, headDim: 16, pageSize: 4, pages: 4 });
        const pages = bench.random.permutation(4);
        let start = 0;
        for (const tokens of pieces) {
          const now = Int32Array.from(ids.slice(start, start + tokens));
          const segment = { pages, start, tokens };
          const logits = await bench.run((step) => runModel(step, model, cache, now, [segment]));
          start += tokens;
          const prefix = {
            ...expected,
            rows: start,
            values: Array.from(expected.values).slice(0, start * vocabulary),
          };
          assertClose(
            `logits to ${start}`,
            logits,
            lastRows(prefix, tokens),
            chainFactor * bench.tolerance.float,
          );
        }
        bench.release(cache);
      }
    },
  },
  {
    name: 'model: two sequences in one batch, the last token of each selected',
    async run(bench) {
      const model = await makeModel(bench);
      const cache = bench.cache({ layers, kvHeads: 2, headDim: 16, pageSize: 4, pages: 8 });
      const sequences = [6, 9].map((length) =>
        Array.from({ length }, () => bench.random.integer(vocabulary)),
      );
      const pages = bench.random.permutation(8);
      const segments = sequences.map((ids, i) => ({
        pages: pages.slice(4 * i, 4 * i + 4),
        start: 0,
        tokens: ids.length,
      }));
      const logits = await bench.run((step) => {
        const all = runModel(step, model, cache, Int32Array.from(sequences.flat()), segments);
        return step.selectRows(all, Int32Array.of(5, 14));
      });
      const expected = sequences.flatMap((ids) => lastRows(runNaive(model, ids), 1));
      assertClose('logits of the last tokens', logits, expected, chainFactor * bench.tolerance.float);
    },
  },
];
