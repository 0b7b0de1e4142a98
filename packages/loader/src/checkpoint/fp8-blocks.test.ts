// A DeepSeek-V3 in blocks of 8-bit floats as it ships, with blocks that are cut at edges, against transformers' arithmetic on the
// decoded weights in float32; and what cannot be read.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { decodeTensor, fromFloat32, isQuantized, type Tensor, toFloat32 } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { openModelFiles } from '../model-source.js';
import { openModel } from '../node/open-model.js';
import { largestDifference, Reference, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { openCheckpoint } from './open-checkpoint.js';

const path = fileURLToPath(new URL('../../testdata/quantized/deepseek_v3_fp8', import.meta.url));
const tensors = await readTensors(`${path}/model.safetensors`);
const configOf = (file: string) => JSON.parse(readFileSync(`${path}/${file}`, 'utf8')) as object;
const config = configOf('config.json');
const name = 'model.layers.0.self_attn.kv_a_proj_with_mqa.weight';

test.each(['config.json', 'config.hub.json'])('runs as it is, by %s', async (file) => {
  const reference = await Reference.open(`${path}/reference.safetensors`);
  const source = await openModelFiles(checkpointFiles(configOf(file), tensors));
  const model = await createModel(source, { backend: referenceBackend() });
  const [, length = 0] = reference.shape('input_ids');
  const { logits } = await model.logits([...reference.integers('input_ids').subarray(0, length)]);
  expect(largestDifference(logits, reference.floats('logits').subarray(0, logits.length))).toBeLessThan(2e-3);
  const prompt = [...reference.integers('generate_prompt')];
  const output = [...reference.integers('generate_output')];
  const { tokenIds } = await model.complete(prompt, {
    ...{ temperature: 0, stopTokenIds: [], maxNewTokens: output.length - prompt.length },
  });
  expect([...prompt, ...tokenIds]).toEqual(output);
  await model.close();
  await source.close();
});

test('each number is that of its code times the scale of its block', async () => {
  const source = await openModel(path);
  const weight = await source.weights.read('latentDown', { layer: 0 });
  if (!isQuantized(weight)) throw new Error('not quantized');
  const [rows = 0, columns = 0] = weight.shape;
  const codes = toFloat32((tensors.get(name) as Tensor).data, 'F8_E4M3');
  const scales = tensors.get(`${name}_scale_inv`) as Tensor;
  const [, blocks = 0] = scales.shape;
  const factors = toFloat32(scales.data, scales.dtype);
  const expected = codes.map((code, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return code * (factors[(row >> 7) * blocks + (column >> 7)] as number);
  });
  expect(rows * columns).toBe(codes.length);
  expect(decodeTensor(weight)).toEqual(expected);
  await source.close();
});

describe('is refused', () => {
  const open = (own: object, changed: ReadonlyMap<string, Tensor> = tensors) =>
    openCheckpoint(
      checkpointFiles({ ...config, quantization_config: { quant_method: 'fp8', ...own } }, changed),
    );
  const sizes = { weight_block_size: [128, 128] };
  const scales = `${name}_scale_inv`;

  test.each([
    [{}, /a scale for each block/],
    [{ weight_block_size: [128] }, /two integers where it has a weight_block_size/],
    [{ ...sizes, fmt: 'e5m2' }, /fmt e4m3/],
    [{ weight_block_size: [64, 128] }, /a scale for each block/],
  ])('%j', async (own, sentence) => {
    await expect(open(own)).rejects.toThrow(sentence);
  });

  test('a weight without scales', async () => {
    const without = new Map([...tensors].filter(([each]) => each !== scales));
    await expect(open(sizes, without)).rejects.toThrow(/tensor "model.*_scale_inv", found no such tensor/);
  });

  test('a code that is no number', async () => {
    const weight = tensors.get(name) as Tensor;
    const data = weight.data.slice();
    data[5] = 0x7f;
    const checkpoint = await open(sizes, new Map([...tensors, [name, { ...weight, data }]]));
    const tensor = checkpoint.tensors.find(({ facts }) => facts.name === name);
    await expect(tensor?.read()).rejects.toThrow(/finite numbers in .*, found NaN at 5/);
  });
});

test('for conversions, weights are the BF16 that they stand for, whole and in parts', async () => {
  const checkpoint = await openCheckpoint(checkpointFiles(config, tensors), { decodesFp8: true });
  const plain = await openCheckpoint(checkpointFiles(config, tensors));
  const factsOf = ({ tensors: all }: typeof plain) => new Map(all.map(({ facts }) => [facts.name, facts]));
  expect(factsOf(checkpoint)).toEqual(factsOf(plain));
  for (const tensor of checkpoint.tensors) {
    const quantized = await plain.tensors.find(({ facts }) => facts.name === tensor.facts.name)?.read();
    const found = await tensor.read();
    if (quantized === undefined || isQuantized(found)) throw new Error(tensor.facts.name);
    if (!isQuantized(quantized)) {
      expect(found).toEqual(quantized);
      continue;
    }
    expect([tensor.stored, tensor.bytes]).toEqual(['BF16', found.data.byteLength]);
    expect(found.data).toEqual(fromFloat32(decodeTensor(quantized), 'BF16'));
    const offset = 2 * Math.floor(Math.random() * (found.data.byteLength / 2));
    const length = 2 * Math.floor(Math.random() * ((found.data.byteLength - offset) / 2));
    expect(await tensor.readBytes(offset, length)).toEqual(found.data.subarray(offset, offset + length));
    const into = new Uint8Array(length);
    expect(await tensor.readBytes(offset, length, undefined, into)).toBe(into);
    expect(into).toEqual(found.data.subarray(offset, offset + length));
  }
});
