// Every form in which checkpoints come quantized, against the numbers that its codes stand for (testdata/forms/make.py), and
// a Kimi-K2 as the hub ships it, against transformers.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { decodeTensor, elementCount, type Tensor, toFloat32 } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { quantizedWeights } from '../checkpoint/quantized-tensors.js';
import type { QuantizedWeight, StoredTensor } from '../files/file-set.js';
import { openModel } from '../node/open-model.js';
import { largestDifference, Reference, readTensors } from '../testkit/golden.js';

const folder = fileURLToPath(new URL('../../testdata/forms', import.meta.url));
const all = await readTensors(`${folder}/weights.safetensors`);
const configs = JSON.parse(readFileSync(`${folder}/configs.json`, 'utf8')) as Record<string, object>;

function partsOf(name: string): Map<string, Tensor> {
  const own = [...all].filter(([key]) => key.startsWith(`${name}/`));
  return new Map(own.map(([key, tensor]) => [key.slice(name.length + 1), tensor]));
}

function weightsOf(own: object, parts: ReadonlyMap<string, Tensor>): QuantizedWeight[] {
  const stored = [...parts].map(([name, { dtype, shape, data }]): [string, StoredTensor] => [
    name,
    {
      ...{ name, dtype, shape, bytes: data.byteLength, file: 'model.safetensors' },
      read: async () => ({ dtype, shape, data }),
      readBytes: async (offset, length) => data.subarray(offset, offset + length),
    },
  ]);
  const config = { quantization_config: own };
  return quantizedWeights({ stored: new Map(stored), config, file: 'config.json', quantizers: [] });
}

test.each(Object.entries(configs))('%s', (name, own) => {
  const parts = partsOf(name);
  const expected = parts.get('dequantized');
  if (expected === undefined) throw new Error('no numbers to compare with');
  parts.delete('dequantized');
  const [weight, ...others] = weightsOf(own, parts);
  if (weight === undefined) throw new Error('no weight');
  expect(others).toEqual([]);
  expect(weight.name).toBe('P.weight');
  // no tensor of it is left over
  expect(weight.parts.map((part) => part.name).sort()).toEqual([...parts.keys()].sort());
  const [rows = 0, columns = 0] = expected.shape;
  weight.assertShape([rows, columns]);
  // where headers say the shape, the decoder's is held against it
  if (weight.shape !== null) expect(weight.shape).toEqual([rows, columns]);
  else expect(() => weight.assertShape([rows, 2 * columns])).toThrow(/as config\.json says/);
  const tensor = weight.decode(Object.fromEntries(parts));
  expect(tensor.shape).toEqual([rows, columns]);
  expect(decodeTensor(tensor)).toEqual(toFloat32(expected.data, 'F32'));
  const layout = weight.layout?.([rows, columns]);
  if (!name.endsWith('act-order')) expect(layout).toEqual(tensor.layout);
  else expect(layout).toBeUndefined();
  // codes stay codes, but where no two inputs next to one another have the same scale
  const bytes = Object.values(tensor.planes).reduce((sum, { data }) => sum + data.byteLength, 0);
  const bits = (8 * bytes) / elementCount(tensor.shape);
  expect(bits).toBeLessThan(name.endsWith('act-order') ? 32 : /fp8|int8|-8$/.test(name) ? 10 : 7);
});

describe('is refused', () => {
  test.each<[string, string, object, (parts: Map<string, Tensor>) => void, RegExp]>([
    [
      'bits that GPTQ does not have',
      'gptq-v1-4',
      { quant_method: 'gptq', bits: 5 },
      () => undefined,
      /bits 2, 3, 4 or 8, found "5"/,
    ],
    [
      'a layout of AWQ that is not known',
      'awq',
      { quant_method: 'awq', bits: 4, version: 'gemv' },
      () => undefined,
      /version gemm/,
    ],
    [
      'no zero points',
      'gptq-v1-4',
      {},
      (parts) => void parts.delete('P.qzeros'),
      /tensor "P\.qzeros", found no such tensor/,
    ],
    [
      'no scale of all',
      'ct-nvfp4',
      {},
      (parts) => void parts.delete('P.weight_global_scale'),
      /weight_global_scale/,
    ],
    [
      'an algorithm of ModelOpt that is not known',
      'modelopt-nvfp4',
      { quant_method: 'modelopt', quant_algo: 'W4A8_AWQ' },
      () => undefined,
      /quant_algo NVFP4/,
    ],
  ])('%s', (_, name, own, change, message) => {
    const parts = partsOf(name);
    parts.delete('dequantized');
    change(parts);
    const config = { ...configs[name], ...own };
    expect(() => weightsOf(config, parts).map((weight) => weight.assertShape([24, 64]))).toThrow(message);
  });
});

test('Kimi-K2 in packed integers: logits and greedy text of transformers, its codes as they are', async () => {
  const path = `${folder}/kimi_k2_int4`;
  const reference = await Reference.open(`${path}/reference.safetensors`);
  const source = await openModel(path);
  const model = await createModel(source, { backend: referenceBackend() });
  const [, length = 0] = reference.shape('input_ids');
  const { logits } = await model.logits([...reference.integers('input_ids').subarray(0, length)]);
  expect(largestDifference(logits, reference.floats('logits').subarray(0, logits.length))).toBeLessThan(2e-3);
  const prompt = [...reference.integers('generate_prompt')];
  const output = [...reference.integers('generate_output')];
  const maxNewTokens = output.length - prompt.length;
  const { tokenIds } = await model.complete(prompt, { temperature: 0, stopTokenIds: [], maxNewTokens });
  expect([...prompt, ...tokenIds]).toEqual(output);
  const experts = source.report().tensors.filter(({ role }) => role === 'expert');
  expect(new Set(experts.map(({ loaded }) => loaded))).toEqual(new Set(['packed-int4']));
  await model.close();
  await source.close();
});
