import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { AttentionConfig } from '../decoder/attention.js';
import type { Slot, TensorPosition } from '../decoder/decoder-tensors.js';
import { sequentialLayer } from '../decoder/layer.js';
import type { ModelSource, WeightReader } from '../model-source.js';
import {
  mixtralLayer,
  plain,
  randomSource,
  tinyAttention,
  tinyMixtral,
  tinyMoe,
  tinyNorm,
} from '../testkit/random-source.js';
import { watchedBackend } from '../testkit/watched-backend.js';
import { createModel, type ModelOptions } from './create-model.js';
import type { LoadProgress } from './weight-loader.js';

const source = randomSource(tinyMixtral, 3);

/** The source with zeros of another shape where a shape is given. */
function reading(shapeOf: (slot: Slot, at: TensorPosition) => readonly number[] | null): ModelSource {
  const read: WeightReader['read'] = async (slot, at = {}) => {
    const shape = shapeOf(slot, at);
    if (shape === null) return source.weights.read(slot, at);
    return plain(shape, new Float32Array(shape.reduce((product, size) => product * size, 1)));
  };
  return { ...source, weights: { ...source.weights, read } };
}

describe('createModel', () => {
  test('reports every weight, up to all of them, and all bytes', async () => {
    const inner = { activation: { kind: 'silu' as const, gated: true }, bias: true };
    const shared = { intermediateSize: 5, outputGate: true, ...inner };
    const mixer = { ...tinyAttention, queryKeyNorm: 'head' as const, bias: { qkv: true, output: true } };
    const norm = { ...tinyNorm, kind: 'layer' as const, bias: true };
    const moe = { ...tinyMoe(3, 2, 4), ...inner, shared, routerBias: true, correctionBias: true };
    const dense = { kind: 'dense' as const, intermediateSize: 7, ...inner };
    const config = {
      ...tinyMixtral,
      norm,
      headBias: true,
      layers: [
        mixtralLayer(3, 2, 4, mixer),
        sequentialLayer({ mixer, mlp: moe, norm, placed: 'both' }),
        sequentialLayer({ mixer: null, mlp: dense, norm: { ...norm, weight: 'none' } }),
        sequentialLayer({ mixer, mlp: null, norm: tinyNorm, placed: 'after' }),
      ],
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

  test('closing while a request runs ends it with an error', async () => {
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
      reading((slot, at) => (slot === 'router' && at.layer === 1 ? [4, 16] : null)),
      'random-3: cannot load router of layer 1: expected shape [5, 16] by the configuration, found [4, 16]',
    ],
    [
      'a short norm',
      reading((slot) => (slot === 'finalNorm' ? [3] : null)),
      'cannot load finalNorm: expected shape [16] by the configuration, found [3]',
    ],
    [
      'a transposed expert',
      reading((slot, at) => (slot === 'expertDown' && at.expert === 2 ? [12, 16] : null)),
      'cannot load expertDown of layer 0, expert 2: expected shape [16, 12] by the configuration, found [12, 16]',
    ],
    [
      'an expert with half a gate',
      reading((slot) => (slot === 'expertGate' ? [6, 16] : null)),
      'cannot load expertGate of layer 0, expert 0: expected shape [12, 16] by the configuration, found [6, 16]',
    ],
    [
      'experts whose gate and up are one matrix of half the rows',
      {
        ...source,
        weights: {
          has: (slot) => slot === 'expertGateUp',
          read: reading((slot) => (slot === 'expertGateUp' ? [12, 16] : null)).weights.read,
        },
      },
      'cannot load expertGateUp of layer 0, expert 0: expected shape [24, 16] by the configuration, found [12, 16]',
    ],
    [
      'a value projection of other heads',
      reading((slot) => (slot === 'value' ? [24, 16] : null)),
      'cannot load value of layer 0: expected shape [12, 16] by the configuration, found [24, 16]',
    ],
  ])('%s is an error that names it', async (_, wrong, message) => {
    const backend = watchedBackend();
    await expect(createModel(wrong, { backend })).rejects.toThrow(message);
    expect(backend.live()).toBe(0);
  });

  test('layers that turn by rules of their own are refused by name', async () => {
    const layers = (mixer: Partial<AttentionConfig>) => ({
      ...tinyMixtral,
      layers: [mixtralLayer(3, 2, 4), mixtralLayer(3, 2, 4, { ...tinyAttention, ...mixer })],
    });
    const backend = watchedBackend();
    const scaling = { kind: 'dynamic', factor: 2, originalLength: 16 } as const;
    const rope = { theta: 10_000, rotatedDim: 6, style: 'halves', scaling } as const;
    await expect(createModel(randomSource(layers({ rope }), 1), { backend })).rejects.toThrow(
      'mixtral: cannot run the model: expected one rotation in all layers, where it depends on the length of the sequence, found 2',
    );
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
    [{ backend: null }, 'option backend: cannot load a model: expected a backend, found null'],
    [{ signal: {} }, 'expected an AbortSignal, found "{}"'],
  ])('option %j is an error', async (options, message) => {
    const all = { backend: watchedBackend(), ...options } as ModelOptions;
    await expect(createModel(source, all)).rejects.toThrow(message);
  });
});
