// What stands beside the decoder, and what only looks so: the latter must never be lost in silence.
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { byteLength, type DType, fromFloat32, type Tensor, toFloat32 } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { openModelFiles } from '../model-source.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { openCheckpoint } from './open-checkpoint.js';

const config = goldenConfig('mixtral');
const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);

function tensor(shape: readonly number[] = [3], dtype: DType = 'F32'): Tensor {
  return { dtype, shape, data: new Uint8Array(byteLength(dtype, shape)).fill(255) };
}
const asDType = ({ data, dtype, shape }: Tensor, other: DType): Tensor => ({
  dtype: other,
  shape,
  data: fromFloat32(toFloat32(data, dtype), other),
});
const withTensors = (names: readonly string[], own: object = {}, of = tensor()) =>
  checkpointFiles({ ...config, ...own }, new Map([...tensors, ...names.map((name) => [name, of] as const)]));

async function others(names: readonly string[], own: object = {}, of?: Tensor): Promise<string[]> {
  const { tensors: found, close } = await openCheckpoint(withTensors(names, own, of));
  await close();
  return found.filter(({ facts }) => facts.role === 'other').map(({ facts }) => facts.name);
}

const q = 'model.layers.0.self_attn.q_proj';

describe('beside the decoder', () => {
  const groups: Record<string, readonly string[]> = {
    buffers: [
      'model.layers.0.self_attn.rotary_emb.inv_freq',
      'model.layers.1.self_attn.rotary_emb.cos_cached',
      'model.rotary_emb.inv_freq',
      'model.layers.0.self_attn.masked_bias',
      'model.causal_mask',
      'position_ids',
    ],
    'scales of a quantized cache': [
      'model.layers.0.self_attn.k_scale',
      'model.layers.0.self_attn.v_scale',
      'model.layers.1.self_attn.k_proj.k_scale',
      'model.layers.1.self_attn.v_proj.v_scale',
      'model.layers.0.self_attn.attn.k_scale',
      'model.layers.0.self_attn.kv_scale',
      'model.layers.0.self_attn.k_proj.output_scale',
      'model.layers.0.self_attn.prob_output_scale',
      'layers.0.self_attn.q_scale',
    ],
    'prediction heads': [
      'mtp.fc.weight',
      'mtp.layers.0.self_attn.q_proj.weight',
      'mtp.norm.weight',
      'model.mtp.0.weight',
    ],
    'states of modules and adapters': [
      'model.layers.0.self_attn.core_attention._extra_state',
      `${q}._extra_state`,
      `${q}.lora_A.weight`,
      `${q}.lora_B.default.weight`,
      'model.embed_tokens.lora_embedding_A',
    ],
    'copies of the head': ['model.lm_head.weight', 'lm_head.bias'],
    towers: [
      'visual.blocks.0.attn.qkv.weight',
      'model.visual.patch_embed.proj.weight',
      'vision_tower.vision_model.encoder.layers.0.self_attn.q_proj.weight',
      'multi_modal_projector.linear_1.bias',
      'audio_tower.layers.0.fc1.weight',
      'model.image_newline',
      '__proto__x',
    ],
  };
  test.each(Object.entries(groups))('%s', async (_, names) => {
    expect(await others(names)).toEqual(names);
  });

  test('any dtype, read as it is; a mask is known by its shape', async () => {
    const name = 'model.layers.0.self_attn.bias';
    const files = withTensors([name], {}, tensor([1, 1, 8, 8], 'BOOL'));
    const { tensors: found } = await openCheckpoint(files);
    const own = found.find(({ facts }) => facts.name === name);
    expect(own).toMatchObject({ slot: null, stored: 'BOOL', bytes: 64 });
    expect(await own?.read()).toEqual(tensor([1, 1, 8, 8], 'BOOL'));
    await expect(others([name], {}, tensor([64]))).rejects.toThrow(/only tensors that mixtral has/);
  });

  test('layers behind the last one, whatever config.json says of them', async () => {
    const layer = ['model.layers.2.self_attn.q_proj.weight', 'model.layers.2.input_layernorm.weight'];
    expect(await others(layer)).toEqual(layer);
    expect(await others(['model.layers.9.eh_proj.weight'])).toEqual(['model.layers.9.eh_proj.weight']);
  });

  test('scales beside a plain weight; one that is not plain needs them', async () => {
    const names = [
      'weight_scale',
      'weight_scale_inv',
      'input_scale',
      'weight_zero_point',
      'output_scale',
    ].map((scale) => `${q}.${scale}`);
    expect(await others([...names, 'lm_head.weight_scale'])).toEqual([...names, 'lm_head.weight_scale']);
    await expect(others(['model.layers.0.self_attn.r_proj.weight_scale'])).rejects.toThrow(
      /only tensors that/,
    );
    const weight = tensors.get(`${q}.weight`) as Tensor;
    const fp8 = new Map(tensors).set(`${q}.weight`, tensor(weight.shape, 'F8_E4M3'));
    fp8.set(`${q}.weight_scale`, tensor([1]));
    await expect(openCheckpoint(checkpointFiles(config, fp8))).rejects.toThrow(
      /q_proj\.weight|only tensors that mixtral has/,
    );
  });

  test('a weight and a norm in F64 are read as F32, whole and in part', async () => {
    const doubles = new Map(tensors);
    const names = ['model.norm.weight', `${q}.weight`];
    for (const name of names) {
      doubles.set(name, asDType(tensors.get(name) as Tensor, 'F64'));
    }
    const { tensors: found } = await openCheckpoint(checkpointFiles(config, doubles));
    for (const name of names) {
      const plain = asDType(tensors.get(name) as Tensor, 'F32');
      const own = found.find(({ facts }) => facts.name === name);
      expect(own).toMatchObject({ stored: 'F32', bytes: plain.data.byteLength });
      expect(await own?.read()).toEqual(plain);
      expect(await own?.readBytes(8, 12)).toEqual(plain.data.slice(8, 20));
      const into = new Uint8Array(12);
      expect(await own?.readBytes(8, 12, undefined, into)).toBe(into);
      expect(into).toEqual(plain.data.slice(8, 20));
      await expect(own?.readBytes(2, 4)).rejects.toThrow(/whole elements of 4 bytes/);
    }
  });

  test('the model runs as without, and says what it left', async () => {
    const logitsOf = async (names: readonly string[]) => {
      const source = await openModelFiles(withTensors(names));
      const model = await createModel(source, { backend: referenceBackend() });
      const { logits } = await model.logits([3, 1, 4, 1, 5]);
      await model.close();
      return { logits, notices: source.report().notices };
    };
    const plain = await logitsOf([]);
    const inv = [0, 1].map((layer) => `model.layers.${layer}.self_attn.rotary_emb.inv_freq`);
    const beside = await logitsOf([...inv, 'mtp.fc.weight', 'visual.a.weight', 'visual.b.weight']);
    expect(beside.logits).toEqual(plain.logits);
    expect(plain.notices).toEqual([]);
    expect(beside.notices).toEqual([
      'left aside: 5 tensors of 60 bytes beside the decoder, "model.layers.*.self_attn.rotary_emb.inv_freq", "mtp.fc.weight", "visual.*"',
    ]);
  });
});

describe('almost in the decoder', () => {
  test.each([
    `${q}.weigth`,
    `${q}.bias`,
    `${q}.weight.absmax`,
    `${q}.weight_scal`,
    `${q}.lora_C.weight`,
    'model.layers.0.self_attn.q_prj.weight_scale',
    `${q}.k_scal`,
    'model.layers.0.block_sparse_moe.experts.4.w1.weight',
    'model.layers.0.block_sparse_moe.experts.0.w4.weight',
    'model.layers.0.block_sparse_moe.e_score_correction_bias',
    'model.layers.00.input_layernorm.weight',
    'model.layers.x.input_layernorm.weight',
    'model.layer.0.input_layernorm.weight',
    'modle.layers.0.input_layernorm.weight',
    'layers.0.mlp.unknown.weight',
    'lm_haed.weight',
    'lm_head.weigth',
    'model.embed_tokens.scale',
    'model.embed_token.weight',
    'model.norm.bias',
    'norn.weight',
  ])('%s', async (name) => {
    await expect(others([name])).rejects.toThrow(
      /cannot match the tensors to the configuration: expected (?:only tensors that mixtral has|experts 0 to 3)/,
    );
  });

  test('what is beside the decoder takes the place of nothing in it', async () => {
    const router = 'model.layers.0.block_sparse_moe.gate.weight';
    const changed = new Map(tensors);
    changed.set('router.0.gate.weight', changed.get(router) as Tensor);
    changed.delete(router);
    await expect(openCheckpoint(checkpointFiles(config, changed))).rejects.toThrow(
      /expected tensor "model\.layers\.0\.block_sparse_moe\.gate\.weight", found no such tensor/,
    );
  });
});
