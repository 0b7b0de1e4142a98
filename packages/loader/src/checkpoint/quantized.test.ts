// Quantized while loading, read back from bitsandbytes' form and from moeq's: the same numbers each way, and the parts
// that hold the router exact untouched.
import { referenceBackend } from '@moeq/kernels';
import { doubleQuant, fp4, int8, nf4, type Quantizer, type Recipe } from '@moeq/quantizers';
import { createModel } from '@moeq/runtime';
import { isQuantized, type QuantizedTensor, type Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { FileSet } from '../files/file-set.js';
import { type OpenOptions, openModelFiles } from '../model-source.js';
import { openModel } from '../node/open-model.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { fuseMixtral, quantizeExperts } from '../testkit/quantized.js';
import { openCheckpoint } from './open-checkpoint.js';

const config = goldenConfig('mixtral');
const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
const plain = checkpointFiles(config, tensors);
const fused = checkpointFiles(config, fuseMixtral(tensors, 4));
const ids = [3, 1, 4, 1, 5, 9, 2, 6, 5, 35, 89, 79];

async function logits(files: FileSet, options: OpenOptions = {}) {
  const source = await openModelFiles(files, options);
  const model = await createModel(source, { backend: referenceBackend() });
  const result = await model.logits(ids);
  await model.close();
  await source.close();
  return { logits: result.logits, report: source.report() };
}

const exact = await logits(plain);
const onLoad = await logits(plain, { recipe: 'nf4' });

test('the fused layout gives the same numbers as the layout of the hub', async () => {
  expect((await logits(fused)).logits).toEqual(exact.logits);
});

test('a quantization_config of early checkpoints, without quant_method', async () => {
  const { config: block, tensors: stored } = quantizeExperts(tensors, config, nf4(), 'bitsandbytes');
  const { quantization_config: own } = block as { quantization_config: { quant_method?: string } };
  const { quant_method: _, ...early } = own;
  const expected = await logits(checkpointFiles(block, stored));
  const found = await logits(checkpointFiles({ ...block, quantization_config: early }, stored));
  expect(found.logits).toEqual(expected.logits);
});

describe('quantizing while loading', () => {
  test('changes the experts and nothing else, and says so', () => {
    expect(onLoad.logits).not.toEqual(exact.logits);
    expect(onLoad.report.recipe).toBe('nf4');
    for (const { name, role, loaded } of onLoad.report.tensors) {
      expect([name, loaded]).toEqual([name, role === 'expert' ? 'nf4-dq' : 'BF16']);
    }
    const roles = new Set(onLoad.report.tensors.map(({ role }) => role));
    expect(roles).toEqual(new Set(['embedding', 'head', 'attention', 'router', 'expert']));
    expect(exact.report.tensors.every(({ stored, loaded }) => stored === loaded)).toBe(true);
  });

  test('counts bytes: a fused tensor once, with all its experts', async () => {
    const { report } = await logits(fused, { recipe: 'nf4' });
    const experts = report.tensors.filter(({ role }) => role === 'expert');
    expect(experts).toHaveLength(4);
    const weights = 4 * 3 * 96 * 64 * 2;
    expect(experts.reduce((sum, { bytes }) => sum + bytes.stored, 0)).toBe(2 * weights);
    const loaded = experts.reduce((sum, { bytes }) => sum + bytes.loaded, 0);
    expect(loaded).toBeGreaterThan(weights / 2);
    expect(loaded).toBeLessThan((weights / 2) * 1.05);
  });

  test('takes a BitsAndBytesConfig, as transformers does, and tells where it differs', async () => {
    const bitsAndBytes = {
      load_in_4bit: true,
      bnb_4bit_quant_type: 'nf4',
      bnb_4bit_compute_dtype: 'bfloat16',
    };
    const { report } = await logits(plain, { recipe: bitsAndBytes });
    expect(report.tensors.find(({ role }) => role === 'attention')?.loaded).toBe('nf4');
    expect(report.tensors.find(({ role }) => role === 'router')?.loaded).toBe('BF16');
    expect(report.notices.join()).toContain('bfloat16');
  });

  test('refuses to quantize a router, without permission, and warns with it', async () => {
    const recipe = { name: 'mine', rules: [{ role: 'router', quantizer: { name: 'nf4' } }] } as const;
    await expect(openModelFiles(plain, { recipe })).rejects.toThrow(/router/);
    const source = await openModelFiles(plain, { recipe, allowRouterQuantization: true });
    expect(source.report().notices.join()).toMatch(/quantizes 2 routers/);
    await source.close();
  });

  test('refuses weights that are not finite, by name', async () => {
    const name = 'model.layers.1.block_sparse_moe.experts.2.w2.weight';
    const broken = new Map(tensors);
    const data = Uint8Array.from(tensors.get(name)?.data ?? []);
    data.set([0xc0, 0x7f], 20);
    broken.set(name, { ...(tensors.get(name) as Tensor), data });
    await expect(logits(checkpointFiles(config, broken), { recipe: 'nf4' })).rejects.toThrow(
      `"${name}": cannot quantize: expected finite weights, found NaN at [0, 10]`,
    );
  });

  test('refuses what is quantized otherwise already, and an option that it does not know', async () => {
    const made = quantizeExperts(tensors, config, nf4(), 'moeq');
    await expect(logits(checkpointFiles(made.config, made.tensors), { recipe: 'int8' })).rejects.toThrow(
      /quantize while loading: expected plain weights to make int8 of, found weights in nf4 already/,
    );
    await expect(openModelFiles(plain, { quantiser: [] } as OpenOptions)).rejects.toThrow(
      /option "quantiser".*nearest to quantizers/,
    );
  });
});

describe.each([
  ['bitsandbytes', doubleQuant(nf4())],
  ['moeq', doubleQuant(nf4())],
  ['bitsandbytes', fp4({ blockSize: 128 })],
  ['bitsandbytes', int8()],
  ['moeq', int8({ granularity: 'block', blockSize: 32 })],
] as const)('%s form of %o', (form, quantizer) => {
  const made = quantizeExperts(tensors, config, quantizer, form);
  const files = checkpointFiles(made.config, made.tensors);

  test('one tensor a weight, with its format and all its bytes', async () => {
    const checkpoint = await openCheckpoint(files);
    expect(checkpoint.tensors.map(({ facts }) => facts.name).sort()).toEqual([...tensors.keys()].sort());
    const stored = [...made.tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
    expect(checkpoint.tensors.reduce((sum, { bytes }) => sum + bytes, 0)).toBe(stored);
    for (const tensor of checkpoint.tensors) {
      const isExpert = tensor.facts.role === 'expert';
      expect(tensor.stored).toBe(isExpert ? quantizer.name : 'BF16');
      expect(tensor.facts.shape).toEqual(tensors.get(tensor.facts.name)?.shape);
      const read = await tensor.read();
      expect(isQuantized(read)).toBe(isExpert);
      if (!isQuantized(read)) expect(read.data).toEqual(tensors.get(tensor.facts.name)?.data);
    }
  });

  test('the same logits as quantized while loading', async () => {
    const data = { role: 'expert', quantizer: 'keep' } as const;
    const ready: Recipe = {
      name: 'ready',
      rules: [{ data, quantizer }],
      skips: () => false,
      notes: [],
      data: { name: 'ready', rules: [data] },
    };
    const stored = await logits(files);
    expect(stored.report.tensors.find(({ role }) => role === 'expert')?.loaded).toBe(quantizer.name);
    expect(stored.logits).toEqual((await logits(plain, { recipe: ready })).logits);
  });
});

/** Halves as 16 bits each, a format that no layout describes. */
const halves: Quantizer = {
  specificationVersion: 'v1',
  name: 'halves',
  options: {},
  layout: () => null,
  quantize: (weights, shape, { dtype }): QuantizedTensor => ({
    format: 'halves',
    shape,
    dtype,
    layout: null,
    planes: {
      q: { dtype: 'I16', data: new Uint8Array(Int16Array.from(weights, (w) => Math.round(w * 8192)).buffer) },
    },
  }),
  dequantize({ planes, shape: [rows = 0, columns = 0] }, out = new Float32Array(rows * columns)) {
    const { q: codes = { data: new Uint8Array() } } = planes;
    new Int16Array(codes.data.slice().buffer).forEach((q, i) => {
      out[i] = q / 8192;
    });
    return out;
  },
};

describe('a format that no layout describes', () => {
  const made = quantizeExperts(tensors, config, halves, 'moeq');
  const files = checkpointFiles(made.config, made.tensors);

  test('is decoded by its own quantizer, and that is said once', async () => {
    const { logits: result, report } = await logits(files, { quantizers: [halves] });
    expect(report.notices).toEqual([expect.stringContaining('halves')]);
    expect(report.tensors.find(({ role }) => role === 'expert')).toMatchObject({
      stored: 'halves',
      loaded: 'F32',
    });
    const rules = [{ role: 'expert', quantizer: { name: 'halves' } }] as const;
    const same = await logits(plain, { recipe: { name: 'mine', rules: [...rules] }, quantizers: [halves] });
    expect(result).toEqual(same.logits);
  });

  test('is an error without it, naming format, tensor and the known ones', async () => {
    await expect(logits(files)).rejects.toThrow(/experts\.\d\.w\d\.weight.*"halves".*none given/);
  });
});

test('a folder that is quantized opens by its path alone', async () => {
  const source = await openModel(goldenPath('mixtral'), { recipe: 'int4' });
  expect(source.name).toBe(goldenPath('mixtral'));
  expect(source.tokenizer).toBeNull();
  expect(source.formatChat).toBeNull();
  expect(source.stopTokenIds).toEqual([2]);
  await source.close();
});
