import { referenceBackend } from '@moeq/kernels';
import { describe, expect, test } from 'vitest';
import type { BlockConfig, DecoderConfig, DenseConfig, NormConfig } from '../decoder/config.js';
import { sequentialLayer } from '../decoder/layer.js';
import type { ModelSource } from '../model-source.js';
import {
  mixtralLayer,
  randomSource,
  someIds,
  tinyAttention,
  tinyInputs,
  tinyMixtral,
  tinyMoe,
  tinyNorm,
  tinyShortConv,
} from '../testkit/random-source.js';
import { largestDifference } from '../testkit/rows.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import { createModel } from './create-model.js';
import { type LayerStream, layerStream } from './layer-stream.js';

const layerNorm: NormConfig = { kind: 'layer', epsilon: 1e-5, weight: 'none', bias: true };
const tinyDense: DenseConfig = {
  kind: 'dense',
  intermediateSize: 10,
  activation: { kind: 'silu', gated: true },
  bias: true,
};

/** Both MLPs read the same, between norms of their own. */
const besideExperts: BlockConfig = {
  sum: [
    {
      mlp: tinyDense,
      norm: { slot: 'mlpNorm', ...tinyNorm },
      postNorm: { slot: 'densePostNorm', ...tinyNorm },
    },
    {
      mlp: tinyMoe(5, 2, 12),
      norm: { slot: 'expertNorm', ...tinyNorm },
      postNorm: { slot: 'expertPostNorm', ...tinyNorm },
    },
  ],
  norm: null,
  postNorm: { slot: 'mlpPostNorm', ...tinyNorm },
  residualScale: 0.5,
};

const configs: [name: string, DecoderConfig][] = [
  ['Mixtral', tinyMixtral],
  [
    'short convolutions',
    { ...tinyMixtral, layers: [mixtralLayer(5, 2, 12, tinyShortConv), mixtralLayer(5, 2, 12)] },
  ],
  [
    'a decoder with factors, a tied head, a window and a dense layer',
    {
      ...tinyMixtral,
      embeddingScale: 12,
      logitsScale: 1 / 6,
      tiedHead: true,
      layers: [
        sequentialLayer({
          mixer: { ...tinyAttention, window: 5 },
          mlp: tinyDense,
          norm: tinyNorm,
          placed: 'both',
          residualScale: 0.22,
        }),
        mixtralLayer(6, 3, 8),
      ],
    },
  ],
  [
    'layers of a mixer alone, of experts alone and of a dense MLP beside experts',
    {
      ...tinyMixtral,
      norm: layerNorm,
      layers: [
        sequentialLayer({ mixer: tinyAttention, mlp: null, norm: layerNorm }),
        sequentialLayer({ mixer: null, mlp: tinyMoe(5, 2, 12), norm: tinyNorm }),
        {
          blocks: [
            {
              mixer: tinyShortConv,
              norm: { slot: 'mixerNorm', ...layerNorm },
              postNorm: null,
              residualScale: 1,
            },
            besideExperts,
          ],
        },
      ],
    },
  ],
  ['layers with inputs of their own', tinyInputs],
];

async function streamed(stream: LayerStream, source: ModelSource, ids: readonly number[]) {
  const embedding = await stream.embedding();
  let state = await embedding.run(Int32Array.from(ids));
  embedding.release();
  const routings = [];
  for (const index of source.config.layers.keys()) {
    const layer = await stream.layer(index);
    const output = await layer.run(state);
    layer.release();
    state = output;
    if (output.routing !== null) routings.push(output.routing);
  }
  const head = await stream.head();
  const logits = await head.run(state.hidden);
  head.release();
  return { logits, routings };
}

describe.each(configs)('%s', (_, config) => {
  test.each([1, 7, 256])('computes what the model in memory computes, %i tokens a step', async (chunk) => {
    const source = randomSource(config, 5);
    const ids = someIds(config, 37, 3);
    const model = await createModel(source, { backend: referenceBackend() });
    const expected = await model.logits(ids, { routings: true });
    const stream = layerStream(source, { backend: referenceBackend(), maxTokens: 37, chunk });
    const { logits, routings } = await streamed(stream, source, ids);
    expect(largestDifference(logits, expected.logits)).toBeLessThan(1e-6);
    expect(routings.map(({ expertIndices }) => [...expertIndices])).toEqual(
      expected.routings.map(({ expertIndices }) => [...expertIndices]),
    );
    for (const [index, { expertWeights, tokens }] of routings.entries()) {
      expect(tokens).toBe(37);
      expect(largestDifference(expertWeights, expected.routings[index]?.expertWeights ?? [])).toBeLessThan(
        1e-6,
      );
    }
  });
});

test('nothing stays loaded, whether it runs, fails to load or is aborted', async () => {
  const source = randomSource(tinyMixtral, 5);
  const backend = watchedBackend();
  await streamed(layerStream(source, { backend }), source, [1, 2, 3]);
  expect(backend.live()).toBe(0);

  const read: ModelSource['weights']['read'] = async (slot, at) => {
    if (slot === 'expertDown') throw new Error('torn');
    return source.weights.read(slot, at);
  };
  const weights = { ...source.weights, read };
  await expect(layerStream({ ...source, weights }, { backend }).layer(0)).rejects.toThrow('torn');
  expect(backend.live()).toBe(0);

  const signal = AbortSignal.abort(new Error('enough'));
  await expect(layerStream(source, { backend, signal }).head()).rejects.toThrow('enough');
  expect(backend.live()).toBe(0);
});

test('layers that read what others keep do not run by themselves', () => {
  const [first, ...others] = tinyMixtral.layers;
  const shared = mixtralLayer(5, 2, 12, { ...tinyAttention, keysOf: 0 });
  const config = { ...tinyMixtral, layers: [first ?? shared, ...others, shared] };
  expect(() => layerStream(randomSource(config, 5), { backend: referenceBackend() })).toThrow(
    /keys and values of their own, found layer 2, which reads those of layer 0/,
  );
});

test('a part knows its bytes; options are checked', async () => {
  const source = randomSource(tinyMixtral, 5);
  const backend = referenceBackend();
  const { bytes } = await layerStream(source, { backend }).head();
  expect(bytes).toBe(4 * (40 * 16 + 16));
  expect(() => layerStream(source, { backend, maxTokens: 0 })).toThrow(/option maxTokens: .* at least 1/);
  expect(() => layerStream(source, { backend, rows: 3 } as never)).toThrow(/unknown option/);
});
