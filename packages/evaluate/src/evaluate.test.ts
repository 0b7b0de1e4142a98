// The whole evaluation against the definitions, computed naively from the logits of the models in memory.
import { type Backend, referenceBackend } from '@moeq/kernels';
import { createModel, type ModelSource, type SequenceLogits } from '@moeq/runtime';
import { beforeAll, describe, expect, test } from 'vitest';
import { evaluate } from './evaluate.js';
import type { Evaluation } from './evaluation.js';
import { runSideBySide } from './side-by-side.js';
import { openTiny } from './testkit/open-tiny.js';

const [window, stride] = [12, 8];
const texts = [
  { name: 'first', ids: ids(29, 1) },
  { name: 'second', ids: ids(7, 2) },
];
let baseline: ModelSource;
let model: ModelSource;
let backend: Backend;

function ids(length: number, seed: number): number[] {
  return Array.from({ length }, (_, place) => (place === 0 ? 1 : (place * 337 + seed * 911) % 4096));
}

/** Windows by hand: where they begin, and the first token that each scores. */
const cuts = [
  { text: 0, first: 0, end: 12, fresh: 0, scored: 1 },
  { text: 0, first: 8, end: 20, fresh: 12, scored: 12 },
  { text: 0, first: 16, end: 28, fresh: 20, scored: 20 },
  { text: 0, first: 24, end: 29, fresh: 28, scored: 28 },
  { text: 1, first: 0, end: 7, fresh: 0, scored: 1 },
];

beforeAll(async () => {
  backend = referenceBackend();
  baseline = await openTiny();
  // Experts in int4, and a router in int4: everything moves.
  const quantizer = { name: 'int4', blockSize: 128 } as const;
  const rules = [{ role: ['expert', 'router'] as const, quantizer }].map((rule) => ({
    ...rule,
    role: [...rule.role],
  }));
  model = await openTiny({
    recipe: { name: 'coarse', rules },
    allowRouterQuantization: true,
    name: 'coarse',
  });
});

const logSoftmax = (row: readonly number[]): number[] => {
  const max = Math.max(...row);
  const log = Math.log(row.reduce((sum, value) => sum + Math.exp(value - max), 0)) + max;
  return row.map((value) => value - log);
};

/** Everything in plain arrays of float64. */
async function naively() {
  const [p, q] = await Promise.all(
    [baseline, model].map(async (source) => {
      const resident = await createModel(source, { backend });
      const outputs: SequenceLogits[] = [];
      for (const { text, first, end } of cuts)
        outputs.push(await resident.logits(texts[text]?.ids.slice(first, end) ?? [], { routings: true }));
      await resident.close();
      return outputs;
    }),
  );
  const scored: {
    text: number;
    position: number;
    nll: number;
    baselineNll: number;
    kl: number;
    same: boolean;
  }[] = [];
  const sameExperts: boolean[][] = Array.from({ length: 6 }, () => []);
  const counts = Array.from({ length: 6 }, () => Array.from({ length: 8 }, () => 0));
  for (const [index, cut] of cuts.entries()) {
    const [a, b] = [p?.[index], q?.[index]];
    if (a === undefined || b === undefined) throw new Error('no output');
    const rowOf = ({ logits }: SequenceLogits, row: number) =>
      logSoftmax([...logits.subarray(row * 4096, (row + 1) * 4096)]);
    for (let token = cut.scored; token < cut.end; token++) {
      const position = token - cut.first;
      const [logP, logQ] = [rowOf(a, position - 1), rowOf(b, position - 1)];
      const id = texts[cut.text]?.ids[token] ?? -1;
      const at = (row: readonly number[], i: number) => row[i] ?? Number.NaN;
      const kl = logP.reduce((sum, log, i) => sum + Math.exp(log) * (log - at(logQ, i)), 0);
      const same = logP.indexOf(Math.max(...logP)) === logQ.indexOf(Math.max(...logQ));
      scored.push({ text: cut.text, position, nll: -at(logQ, id), baselineNll: -at(logP, id), kl, same });
    }
    for (let layer = 0; layer < 6; layer++) {
      for (let token = cut.fresh; token < cut.end; token++) {
        const chosen = ({ routings }: SequenceLogits) => {
          const all = routings[layer]?.expertIndices ?? new Int32Array();
          return [...all.subarray(2 * (token - cut.first), 2 * (token - cut.first) + 2)];
        };
        const sorted = (list: number[]) => list.toSorted().join();
        sameExperts[layer]?.push(sorted(chosen(a)) === sorted(chosen(b)));
        for (const expert of chosen(b)) {
          const row = counts[layer] ?? [];
          row[expert] = (row[expert] ?? 0) + 1;
        }
      }
    }
  }
  return { scored, sameExperts, counts };
}

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / values.length;

describe('an evaluation against a baseline', () => {
  let naive: Awaited<ReturnType<typeof naively>>;
  let found: Evaluation;
  let identical: Evaluation;

  beforeAll(async () => {
    naive = await naively();
    const options = { baseline, texts, backend, window, stride };
    const results = await evaluate({ ...options, models: [model, baseline] });
    const [first, second] = results;
    if (first === undefined || second === undefined) throw new Error('no result');
    [found, identical] = [first, second];
  });

  test('scores each token once, with the loss that the definition gives', () => {
    expect(found.tokens).toBe(naive.scored.length);
    expect(found.tokens).toBe(28 + 6);
    expect(found.nll).toBeCloseTo(mean(naive.scored.map(({ nll }) => nll)), 5);
    expect(found.perplexity).toBeCloseTo(Math.exp(found.nll), 12);
    expect(found.baseline?.nll).toBeCloseTo(mean(naive.scored.map(({ baselineNll }) => baselineNll)), 5);
    for (const [text, { name, tokens, nll }] of found.texts.entries()) {
      const own = naive.scored.filter((token) => token.text === text);
      expect([name, tokens]).toEqual([texts[text]?.name, own.length]);
      expect(nll).toBeCloseTo(mean(own.map((token) => token.nll)), 5);
    }
  });

  test('KL divergence: mean, 99th percentile, largest, and by position', () => {
    const kl = naive.scored.map((token) => token.kl).sort((a, b) => a - b);
    const place = 0.99 * (kl.length - 1);
    const below = kl[Math.floor(place)] ?? Number.NaN;
    const p99 = below + ((kl[Math.ceil(place)] ?? Number.NaN) - below) * (place % 1);
    const divergence = found.baseline?.klDivergence ?? { mean: 0, p99: 0, max: 0 };
    expect(divergence.mean).toBeCloseTo(mean(kl), 5);
    expect(divergence.p99).toBeCloseTo(p99, 5);
    expect(divergence.max).toBeCloseTo(kl.at(-1) ?? Number.NaN, 5);
    expect(divergence.mean).toBeGreaterThan(0.001);
    expect(found.byPosition.klDivergence).toHaveLength(window);
    for (const [position, value] of found.byPosition.klDivergence.entries()) {
      const own = naive.scored.filter((token) => token.position === position);
      if (own.length === 0) expect(value).toBeNaN();
      else expect(value).toBeCloseTo(mean(own.map((token) => token.kl)), 5);
    }
  });

  test('agreement of the top token and of the experts; the load', () => {
    expect(found.baseline?.top1Agreement).toBeCloseTo(mean(naive.scored.map(({ same }) => Number(same))), 12);
    const agreement = naive.sameExperts.map((same) => mean(same.map(Number)));
    expect(found.baseline?.routerAgreement.perLayer).toEqual(
      agreement.map((share, layer) => ({ layer, agreement: expect.closeTo(share, 12) })),
    );
    expect(found.baseline?.routerAgreement.mean).toBeCloseTo(mean(agreement), 12);
    expect(Math.min(...agreement)).toBeLessThan(1);
    expect(
      found.expertLoad.map(({ layer, tokens, counts }) => ({ layer, tokens, counts: [...counts] })),
    ).toEqual(naive.counts.map((counts, layer) => ({ layer, tokens: 36, counts })));
  });

  test('a model is no distance from itself', () => {
    expect(identical.nll).toBe(identical.baseline?.nll);
    expect(identical.baseline?.klDivergence).toEqual({ mean: 0, p99: 0, max: 0 });
    expect(identical.baseline?.top1Agreement).toBe(1);
    expect(identical.baseline?.routerAgreement.mean).toBe(1);
  });
});

test('logits of streamed layers are those of the model in memory, however windows are grouped', async () => {
  const jobs = [ids(11, 3), ids(5, 4), ids(9, 5)].map((row) => ({
    ids: Int32Array.from(row),
    firstRow: 0,
    endRow: row.length,
  }));
  const resident = await createModel(baseline, { backend });
  const expected: Float32Array[] = [];
  for (const job of jobs) expected.push((await resident.logits(job.ids)).logits);
  for (const groupBytes of [1, 4 * 256 * 12, 2 ** 20]) {
    let work = 0;
    const seen: Float32Array[] = [];
    await runSideBySide(
      [baseline],
      jobs,
      { backend, groupBytes },
      {
        routings: () => undefined,
        logits: (_job, _row, [logits = new Float32Array()]) => void seen.push(logits),
        worked: async (tokens) => {
          work += tokens;
        },
      },
    );
    expect(work).toBeCloseTo(25, 9);
    expect(seen).toHaveLength(3);
    for (const [index, logits] of seen.entries()) {
      const difference = logits.map((value, i) => Math.abs(value - (expected[index]?.[i] ?? Number.NaN)));
      expect(logits).toHaveLength(expected[index]?.length ?? -1);
      expect(difference.every((value) => value < 1e-5)).toBe(true);
    }
  }
});

test('a layer of one model is all that is in memory at a time, and nothing stays', async () => {
  const inner = referenceBackend();
  let [live, most] = [0, 0];
  const loaded = <Held extends { bytes: number }>(object: Held): Held => {
    live += object.bytes;
    most = Math.max(most, live);
    return object;
  };
  const counting: Backend = {
    ...inner,
    loadWeight: async (parts) => loaded(await inner.loadWeight(parts)),
    loadExperts: async (experts, read) => loaded(await inner.loadExperts(experts, read)),
    loadMlp: async (data) => loaded(await inner.loadMlp(data)),
    loadVector: async (values) => loaded(await inner.loadVector(values)),
    loadHeads: async (data, heads) => loaded(await inner.loadHeads(data, heads)),
    createKvCache: (spec) => loaded(inner.createKvCache(spec)),
    createStateCache: (spec) => loaded(inner.createStateCache(spec)),
    release(object) {
      live -= object.bytes;
      inner.release(object);
    },
  };
  const short = [{ name: 'short', ids: ids(6, 1) }];
  await evaluate({ models: [model], baseline, texts: short, backend: counting, window: 6 });
  expect(live).toBe(0);
  // Both heads, 4.2 MB, are more than a layer, 3.5 MB; the two models are 37 MB.
  expect(most).toBeGreaterThan(3.4e6);
  expect(most).toBeLessThan(4.5e6);
  await expect(
    evaluate({ models: [model], texts: short, backend: counting, signal: AbortSignal.abort() }),
  ).rejects.toMatchObject({ name: 'AbortError' });
  expect(live).toBe(0);
});

describe('what cannot be evaluated is one sentence', () => {
  const refused = (options: object) =>
    expect(evaluate({ models: [model], texts, backend, window, ...options } as never)).rejects;

  test('options', async () => {
    await refused({ models: [] }).toThrow(
      'option models: cannot evaluate: expected at least one model, found none',
    );
    await refused({ texts: [] }).toThrow('at least one text');
    await refused({ window: 257 }).toThrow('expected at most the context of the model, 256, found 257');
    await refused({ stride: 13 }).toThrow('option stride: cannot evaluate: expected an integer from 1 to 12');
    await refused({ maxTokens: 1 }).toThrow('option maxTokens');
    await refused({ strides: 1 }).toThrow(
      /option "strides": .* an unknown option, which is nearest to stride$/,
    );
  });

  test('texts', async () => {
    await refused({ texts: [{ name: 'short', ids: [1] }] }).toThrow(
      'short: cannot evaluate: expected a text of at least 2 tokens, found 1',
    );
    await refused({ texts: [{ name: 'odd', ids: [1, 4096] }] }).toThrow(
      'expected token ids from 0 to 4095, found 4096',
    );
    await refused({ models: [{ ...model, tokenizer: null }], texts: [{ name: 't', text: 'x' }] }).toThrow(
      'as no model has a tokenizer',
    );
  });

  test('models that are not alike', async () => {
    const { config } = model;
    const like = (changes: object) => ({
      baseline: { ...model, name: 'other', config: { ...config, ...changes } },
    });
    await refused(like({ vocabularySize: 4097 })).toThrow(
      'other and coarse: cannot compare models: expected the same vocabulary size, found 4097 and 4096',
    );
    await refused(like({ layers: config.layers.slice(1) })).toThrow(
      'the same number of layers, found 5 and 6',
    );
    const [first, ...rest] = config.layers;
    const dense = { blocks: [{ mlp: { kind: 'dense', intermediateSize: 4 } }] };
    await refused(like({ layers: [dense, ...rest] })).toThrow(
      'experts per token in layer 0, found none and 2 of 8',
    );
    expect(first?.blocks.map((block) => 'mlp' in block && block.mlp.kind)).toEqual([false, 'moe']);
    const tokenizer = { ...model.tokenizer, encode: () => [1, 2, 3] };
    await refused({
      baseline: { ...model, name: 'other', tokenizer },
      texts: [{ name: 'a text', text: 'In the beginning' }],
    }).toThrow(
      /other and coarse: .* tokenizers that cut a text into the same tokens, found token 2 and \d+ at place 1/,
    );
  });

  test('weights that are not numbers, and a signal', async () => {
    const weights: ModelSource['weights'] = {
      ...model.weights,
      async read(slot, at) {
        const data = await model.weights.read(slot, at);
        if (data.shape.length > 1) return data;
        const values = new Float32Array(data.shape[0] ?? 0).fill(Number.NaN);
        return { dtype: 'F32', shape: data.shape, data: new Uint8Array(values.buffer) };
      },
    };
    await refused({ models: [{ ...model, weights }] }).toThrow(/finite/);
    await refused({ signal: AbortSignal.abort(new Error('enough')) }).toThrow('enough');
  });
});
