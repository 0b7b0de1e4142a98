import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createModel, type ModelOptions } from './create-model.js';
import type { ModelSource, WeightReader } from './model-source.js';
import { mixtralLayer, randomSource, tinyMixtral } from './testkit/random-source.js';
import { watchedBackend } from './testkit/watched-backend.js';
import type { LoadProgress } from './weight-loader.js';

const source = randomSource(tinyMixtral, 3);

/** The source with one kind of read replaced. */
function altered(weights: Partial<WeightReader>, from: ModelSource = source): ModelSource {
  return { ...from, weights: { ...from.weights, ...weights } };
}

describe('createModel', () => {
  test('reports every weight, up to all of them, and all bytes', async () => {
    const shared = { intermediateSize: 5, gated: true };
    const layer = mixtralLayer(3, 2, 4);
    if (layer.mlp.kind !== 'moe') throw new Error('expected experts');
    const config = {
      ...tinyMixtral,
      layers: [
        layer,
        { window: null, mlp: { ...layer.mlp, shared, correctionBias: true } },
        { window: null, mlp: { kind: 'dense' as const, intermediateSize: 7, activation: 'silu' as const } },
      ],
      attention: {
        ...tinyMixtral.attention,
        queryKeyNorm: 'head' as const,
        bias: { qkv: true, output: true },
      },
    };
    for (const tiedHead of [true, false]) {
      const reports: LoadProgress[] = [];
      const onProgress = (progress: LoadProgress) => reports.push(progress);
      const model = await createModel(randomSource({ ...config, tiedHead }, 1), {
        backend: watchedBackend(),
        onProgress,
      });
      const last = reports.at(-1);
      expect(last?.loaded).toBe(last?.total);
      expect(last?.bytes).toBe(model.memory.weightBytes);
      for (const [index, report] of reports.entries()) {
        expect(report.total).toBe(last?.total);
        expect(report.loaded).toBeGreaterThan(reports[index - 1]?.loaded ?? 0);
      }
    }
  });

  test('memory is what the backend holds: float32 weights, and keys and values of the pages', async () => {
    const model = await createModel(source, { backend: watchedBackend(), kvCacheTokens: 70 });
    const { vocabularySize: v, hiddenSize: d } = tinyMixtral;
    const perLayer = 2 * d + (4 + 2 + 2) * 6 * d + d * 24 + 5 * d + 5 * 3 * 12 * d;
    expect(model.memory.weightBytes).toBe(4 * (2 * v * d + d + 2 * perLayer));
    expect(model.memory.kvCacheBytes).toBe(4 * 2 * (2 * 6 * 2) * 80);
  });

  test('closing frees everything, once', async () => {
    const backend = watchedBackend();
    const model = await createModel(source, { backend });
    expect(backend.live()).toBeGreaterThan(0);
    await Promise.all([model.close(), model.close()]);
    expect(backend.live()).toBe(0);
    await expect(model.logits([1])).rejects.toThrow('expected an open model, found a closed one');
    await expect(model.complete([1])).rejects.toThrow('expected an open model, found a closed one');
  });

  test('closing while a text is under way ends it with an error', async () => {
    const backend = watchedBackend();
    const model = await createModel(source, { backend });
    const text = model.complete([1, 2, 3], { temperature: 0 });
    const closed = model.close();
    await expect(text).rejects.toThrow('found a closed one');
    await closed;
    expect(backend.live()).toBe(0);
  });

  test('a failure at any load leaves nothing behind', async () => {
    const complete = watchedBackend();
    await createModel(source, { backend: complete });
    for (let failing = 0; failing < complete.live(); failing += 1) {
      const backend = watchedBackend({
        onLoad: (index) => {
          if (index === failing) throw new Error('out of memory');
        },
      });
      await expect(createModel(source, { backend })).rejects.toThrow('out of memory');
      expect(backend.live()).toBe(0);
    }
  });

  test('an abort at any weight ends the loading with its reason and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat({ max: 26 }), async (at) => {
        const backend = watchedBackend();
        const controller = new AbortController();
        const onProgress = ({ loaded }: LoadProgress) => {
          expect(controller.signal.aborted).toBe(false);
          if (loaded > at) controller.abort(new Error('changed my mind'));
        };
        const loading = createModel(source, { backend, onProgress, signal: controller.signal });
        await expect(loading).rejects.toThrow('changed my mind');
        expect(backend.live()).toBe(0);
      }),
    );
  });

  test.each<[string, ModelSource, string]>([
    [
      'a router of other experts',
      altered({
        matrix: async (place) =>
          place.kind === 'router' && place.layer === 1
            ? { dtype: 'F32', shape: [4, 16], data: new Uint8Array(256) }
            : source.weights.matrix(place),
      }),
      'random-3: cannot load router of layer 1: expected shape [5, 16] by the configuration, found [4, 16]',
    ],
    [
      'a short norm',
      altered({
        vector: async (place) =>
          place.kind === 'finalNorm' ? new Float32Array(3) : source.weights.vector(place),
      }),
      'cannot load finalNorm: expected shape [16] by the configuration, found [3]',
    ],
    [
      'a transposed expert',
      altered({
        expert: async (layer, expert) => {
          const data = await source.weights.expert(layer, expert);
          return expert === 2 ? { ...data, down: { ...data.down, shape: [12, 16] } } : data;
        },
      }),
      'cannot load expert 2 of layer 0: expected shape [16, 12] by the configuration, found [12, 16]',
    ],
    [
      'an expert with half a gate',
      altered({
        expert: async (layer, expert) => {
          const { gateUp, down } = await source.weights.expert(layer, expert);
          return { gateUp: gateUp.slice(0, 1), down };
        },
      }),
      'cannot load expert 0 of layer 0: expected shape [24, 16] by the configuration, found [12, 16]',
    ],
    [
      'a value projection of other heads',
      altered({
        matrix: async (place) =>
          source.weights.matrix(
            place.kind === 'attention' && place.projection === 'value'
              ? { ...place, projection: 'query' }
              : place,
          ),
      }),
      'cannot load attention value of layer 0: expected shape [12, 16] by the configuration, found [24, 16]',
    ],
  ])('%s is an error that names it', async (_, wrong, message) => {
    const backend = watchedBackend();
    await expect(createModel(wrong, { backend })).rejects.toThrow(message);
    expect(backend.live()).toBe(0);
  });

  test.each<[Record<string, unknown>, string]>([
    [
      { contextLenght: 3 },
      'option "contextLenght": cannot load a model: expected one of the options backend, ',
    ],
    [
      { contextLength: 65 },
      'option contextLength: cannot load a model: expected an integer from 1 to 64, found 65',
    ],
    [{ contextLength: Number.NaN }, 'found NaN'],
    [
      { kvCacheTokens: 10 },
      'option kvCacheTokens: cannot load a model: expected at least the context length, 64, found 10',
    ],
    [{ prefillChunk: 0 }, 'expected an integer of at least 1, found 0'],
    [{ backend: null }, 'option backend: cannot load a model: expected a backend, found "null"'],
    [{ signal: {} }, 'expected an AbortSignal, found "{}"'],
  ])('option %j is an error', async (options, message) => {
    const all = { backend: watchedBackend(), ...options } as ModelOptions;
    await expect(createModel(source, all)).rejects.toThrow(message);
  });
});
