// What config.json says of each architecture, and the layouts that have no checkpoint of their own among the golden ones:
// each is made of one that has, so that the numbers must be the same.
import { readdirSync, readFileSync } from 'node:fs';
import { referenceBackend } from '@moeq/kernels';
import {
  createModel,
  type DecoderConfig,
  decoderTensors,
  type LayerConfig,
  layerMlps,
  slotNames,
} from '@moeq/runtime';
import { fromFloat32, type Tensor } from '@moeq/tensors';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { placeFinder } from '../checkpoint/names.js';
import type { FileSet } from '../files/file-set.js';
import { openModelFiles } from '../model-source.js';
import { goldenConfig, goldenPath, largestDifference, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { architectures, findArchitecture } from './architectures.js';
import { attentionOf } from './attention-of.js';

const decoderOf = (name: string, changes: object = {}): DecoderConfig => {
  const config = { ...goldenConfig(name), ...changes };
  return findArchitecture(config, 'config.json').decoder(config, 'config.json');
};
const mlpOf = (layer: LayerConfig | undefined) => (layer === undefined ? undefined : layerMlps(layer)[0]);
const ids = [7, 11, 13, 17, 19, 23, 29, 31];

async function logits(files: FileSet): Promise<Float32Array> {
  const source = await openModelFiles(files);
  const model = await createModel(source, { backend: referenceBackend() });
  const { logits: result } = await model.logits(ids);
  await model.close();
  await source.close();
  return result;
}

describe('config.json', () => {
  test('rope_theta: in rope_parameters, by itself, or the default of the architecture', () => {
    const theta = (changes: object) =>
      attentionOf(decoderOf('mixtral', { rope_parameters: undefined, ...changes }).layers[0])?.rope?.theta;
    expect(theta({ rope_parameters: { rope_theta: 5e5, rope_type: 'default' } })).toBe(5e5);
    expect(theta({ rope_theta: 3e4 })).toBe(3e4);
    expect(theta({})).toBe(1e6);
  });

  test('head dimension: given, or width by heads', () => {
    expect(attentionOf(decoderOf('qwen3_moe').layers[0])?.headDim).toBe(32);
    expect(attentionOf(decoderOf('qwen3_moe', { head_dim: undefined }).layers[0])?.headDim).toBe(16);
    expect(attentionOf(decoderOf('mixtral', { head_dim: null }).layers[0])?.headDim).toBe(16);
  });

  test('Qwen: dense layers by list and by step', () => {
    const kinds = (changes: object) =>
      decoderOf('qwen3_moe', { num_hidden_layers: 4, ...changes }).layers.map((layer) => mlpOf(layer)?.kind);
    expect(kinds({})).toEqual(['moe', 'moe', 'moe', 'moe']);
    expect(kinds({ mlp_only_layers: [0, 3] })).toEqual(['dense', 'moe', 'moe', 'dense']);
    expect(kinds({ decoder_sparse_step: 2 })).toEqual(['dense', 'moe', 'dense', 'moe']);
    const [dense] = decoderOf('qwen2_moe', { mlp_only_layers: [0] }).layers;
    const activation = { kind: 'silu', gated: true };
    expect(mlpOf(dense)).toEqual({ kind: 'dense', intermediateSize: 128, activation, bias: false });
  });

  test('sliding windows: only where they are switched on, and in the layers that have them', () => {
    const windows = (name: string, changes: object) =>
      decoderOf(name, { num_hidden_layers: 4, layer_types: null, ...changes }).layers.map(
        (layer) => attentionOf(layer)?.window,
      );
    expect(windows('mixtral', { sliding_window: 64 })).toEqual([64, 64, 64, 64]);
    expect(windows('qwen3_moe', { sliding_window: 64 })).toEqual([null, null, null, null]);
    expect(windows('qwen3_moe', { sliding_window: 64, use_sliding_window: true })).toEqual([64, 64, 64, 64]);
    expect(windows('qwen2_moe', { sliding_window: 64, use_sliding_window: true })).toEqual([
      64,
      null,
      64,
      null,
    ]);
    expect(
      windows('qwen2_moe', { sliding_window: 64, use_sliding_window: true, max_window_layers: 2 }),
    ).toEqual([64, null, null, null]);
    const types = ['full_attention', 'sliding_attention', 'full_attention', 'sliding_attention'];
    expect(windows('qwen2_moe', { sliding_window: 8, use_sliding_window: true, layer_types: types })).toEqual(
      [null, 8, null, 8],
    );
  });

  test('what sets the others apart', () => {
    expect(attentionOf(decoderOf('olmoe', { clip_qkv: 8 }).layers[0])).toMatchObject({
      clip: 8,
      queryKeyNorm: 'all',
    });
    expect(attentionOf(decoderOf('qwen3_moe').layers[0])).toMatchObject({ clip: null, queryKeyNorm: 'head' });
    expect(attentionOf(decoderOf('qwen2_moe').layers[0])?.bias).toEqual({ qkv: true, output: false });
    expect(mlpOf(decoderOf('qwen2_moe').layers[0])).toMatchObject({
      shared: { intermediateSize: 96, outputGate: true },
    });
    const granite = decoderOf('granitemoe');
    expect([granite.embeddingScale, granite.logitsScale]).toEqual([2, 1 / 1.5]);
    expect(granite.layers[0]?.blocks.map((block) => block.residualScale)).toEqual([0.7, 0.7]);
    expect(attentionOf(granite.layers[0])?.scale).toBe(0.3);
    expect(mlpOf(granite.layers[0])).toMatchObject({ route: { score: 'softmaxAfterTopK' } });
  });
});

// The last row's first logits after [3, 1, 4, 1, 5], by transformers 5.18 in float32 with the golden weights.
test.each([
  ['silu', [0.54815, -0.96233, 0.36857, -1.64444, 0.17499, -0.50447, -0.31927, 0.85998]],
  ['quick_gelu', [0.55644, -0.85704, 0.34553, -1.70645, 0.14772, -0.49208, -0.32266, 0.90836]],
  ['relu2', [0.59561, 0.04621, 0.11677, -1.12276, 0.2837, -0.55612, -0.218, 0.61509]],
])('hidden_act %s', async (name, expected) => {
  const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
  const files = checkpointFiles({ ...goldenConfig('mixtral'), hidden_act: name }, tensors);
  const model = await createModel(await openModelFiles(files), { backend: referenceBackend() });
  const { logits: found } = await model.logits([3, 1, 4, 1, 5]);
  await model.close();
  const last = found.slice(found.length - model.config.vocabularySize);
  for (const [index, value] of expected.entries()) expect(last[index]).toBeCloseTo(value, 3);
});

describe('layouts made of others give the same numbers', () => {
  test('a head tied to the embedding', async () => {
    const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
    const embedding = tensors.get('model.embed_tokens.weight') as Tensor;
    const config = goldenConfig('mixtral');
    const untied = await logits(
      checkpointFiles(config, new Map([...tensors, ['lm_head.weight', embedding]])),
    );
    const tied = { ...config, tie_word_embeddings: true };
    expect(await logits(checkpointFiles(tied, new Map([...tensors, ['lm_head.weight', embedding]])))).toEqual(
      untied,
    );
    tensors.delete('lm_head.weight');
    expect(await logits(checkpointFiles(tied, tensors))).toEqual(untied);
  });

  test("GraniteMoE under transformers 5's names", async () => {
    const tensors = await readTensors(`${goldenPath('granitemoe')}/model.safetensors`);
    const names = [
      ['router.layer.weight', 'router.weight'],
      ['input_linear.weight', 'experts.gate_up_proj'],
      ['output_linear.weight', 'experts.down_proj'],
    ] as const;
    const renamed = new Map(
      [...tensors].map(([name, tensor]) => [
        names.reduce((text, [from, to]) => text.replace(from, to), name),
        tensor,
      ]),
    );
    expect([...renamed.keys()].some((name) => name.endsWith('experts.down_proj'))).toBe(true);
    const config = goldenConfig('granitemoe');
    expect(await logits(checkpointFiles(config, renamed))).toEqual(
      await logits(checkpointFiles(config, tensors)),
    );
  });

  test("Qwen3-Omni's thinker by itself", async () => {
    const tensors = await readTensors(`${goldenPath('qwen3_omni_moe_full')}/model.safetensors`);
    const config = goldenConfig('qwen3_omni_moe_full');
    const thinker = [...tensors].flatMap(([name, tensor]) =>
      name.startsWith('thinker.') ? [[name.slice('thinker.'.length), tensor] as const] : [],
    );
    const own = config['thinker_config'] as object;
    expect(await logits(checkpointFiles(own, new Map(thinker)))).toEqual(
      await logits(checkpointFiles(config, tensors)),
    );
  });

  test('a dense layer is a layer of one expert that every token takes', async () => {
    const tensors = await readTensors(`${goldenPath('qwen3_moe')}/model.safetensors`);
    const config = {
      ...goldenConfig('qwen3_moe'),
      num_local_experts: 1,
      num_experts_per_tok: 1,
      intermediate_size: 64,
    };
    const router: Tensor = { dtype: 'BF16', shape: [1, 64], data: fromFloat32(new Float32Array(64), 'BF16') };
    const single = new Map<string, Tensor>();
    for (const [name, tensor] of tensors) {
      if (name.endsWith('mlp.gate.weight')) single.set(name, router);
      else if (!/experts\.[1-9]/.test(name)) single.set(name, tensor);
    }
    const dense = new Map(
      [...single]
        .filter(([name]) => name !== 'model.layers.0.mlp.gate.weight')
        .map(([name, tensor]) => [name.replace('layers.0.mlp.experts.0.', 'layers.0.mlp.'), tensor]),
    );
    const experts = await logits(checkpointFiles(config, single));
    const mixed = await logits(checkpointFiles({ ...config, mlp_only_layers: [0] }, dense));
    expect(largestDifference(mixed, experts)).toBeLessThan(1e-5);
  });
});

describe('names', () => {
  const withoutLayers: DecoderConfig = { ...decoderOf('mixtral'), layers: [] };

  test.each(architectures.map((architecture) => [architecture.modelTypes[0], architecture] as const))(
    '%s: each name finds its slot, with layer and expert',
    (_, architecture) => {
      const placeOf = placeFinder(architecture, withoutLayers);
      const spelled = Object.values(architecture.names).flat();
      // a layer that the decoder does not have leaves several slots of one name open
      const slotsOf = (pattern: string) =>
        slotNames.filter((slot) => architecture.names[slot]?.includes(pattern));
      fc.assert(
        fc.property(
          fc.constantFrom(...spelled),
          fc.nat(999_999),
          fc.nat(999_999),
          (pattern, layer, expert) => {
            const name = pattern.replace('{layer}', String(layer)).replace('{expert}', String(expert));
            expect(placeOf(name)).toEqual({
              slot: slotsOf(pattern)[0],
              ...(pattern.includes('{layer}') && { layer }),
              ...(pattern.includes('{expert}') && { expert }),
            });
            expect(placeOf(`${name}x`)).toBeNull();
            expect(placeOf(`x${name}`)).toBeNull();
          },
        ),
      );
    },
  );

  test('gate_up_proj is an expert, whatever else the word gate means', () => {
    const [mixtral] = architectures;
    const place = mixtral && placeFinder(mixtral, withoutLayers)('model.layers.3.mlp.experts.gate_up_proj');
    expect(place).toEqual({ slot: 'expertGateUp', layer: 3 });
    expect(place && decoderTensors[place.slot].role).toBe('expert');
  });
});

test('the folder of architectures is the list of them', () => {
  const texts = readdirSync(new URL('../architectures', import.meta.url))
    .map((file) => readFileSync(new URL(`../architectures/${file}`, import.meta.url), 'utf8'))
    .filter((text) => text.includes('modelTypes:'));
  const isIn = (text: string) =>
    architectures.filter(({ modelTypes: [type] }) => text.includes(`modelTypes: ['${type}'`));
  expect(new Set(texts.flatMap(isIn))).toEqual(new Set(architectures));
  for (const text of texts) expect(isIn(text)).not.toHaveLength(0);
});
