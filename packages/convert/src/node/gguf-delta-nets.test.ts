// Gated delta nets in GGUF files as others write them: Qwen3-Next with queries, keys and values apart from gates, as
// llama.cpp's converter has written it since 2026, and heads of Qwen3.5 that blocks do not let change places.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { openCheckpoint } from '@moeq/loader';
import { openModel, resolveModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { decodeTensor, isQuantized, openGguf, type Tensor, toFloat32 } from '@moeq/tensors';
import { createGgufWriter, fileSource } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testkit/checkpoint.js';
import { convertToGguf } from './convert-to-gguf.js';

const golden = (name: string) =>
  fileURLToPath(new URL(`../../../loader/testdata/architectures/${name}`, import.meta.url));

async function logitsOf(path: string): Promise<Float32Array> {
  const source = await openModel(path);
  const model = await createModel(source, { backend: referenceBackend() });
  await source.close();
  const { logits } = await model.logits([5, 17, 3, 99, 42, 7, 7, 250]);
  await model.close();
  return logits;
}

const largestDifference = (a: Float32Array, b: Float32Array) =>
  a.reduce((most, value, at) => Math.max(most, Math.abs(value - (b[at] ?? Number.NaN))), 0);

/** Of each key head of qwen3_next its query, its key, the values of two heads and their gates, 16 rows each. */
const keyHeads = 2;
const parts = [16, 16, 32, 32];
const stride = 96;

/** Rows of one part of all key heads, F32 [N, 64]. */
function partRows({ data }: Tensor, part: number): Uint8Array[] {
  const row = 4 * 64;
  const before = parts.slice(0, part).reduce((sum, size) => sum + size, 0);
  return Array.from({ length: keyHeads }, (_, head) => {
    const first = head * stride + before;
    return data.slice(first * row, (first + (parts[part] ?? 0)) * row);
  });
}

test('Qwen3-Next whose queries, keys and values are apart from its gates', async () => {
  await using folder = await temporaryFolder();
  const grouped = join(folder.path, 'grouped.gguf');
  await convertToGguf({ model: golden('qwen3_next'), out: grouped, recipe: 'f32' });
  const file = await openGguf(await fileSource(grouped));
  const tensors: { name: string; shape: readonly number[]; data: Uint8Array }[] = [];
  for (const { name, shape } of file.tensors.values()) {
    const tensor = (await file.read(name)) as Tensor;
    if (!name.endsWith('ssm_in.weight')) {
      tensors.push({ name, shape, data: tensor.data });
      continue;
    }
    const qkv = Buffer.concat([0, 1, 2].flatMap((part) => partRows(tensor, part)));
    tensors.push({ name: name.replace('ssm_in', 'attn_qkv'), shape: [128, 64], data: qkv });
    const gates = Buffer.concat(partRows(tensor, 3));
    tensors.push({ name: name.replace('ssm_in', 'attn_gate'), shape: [64, 64], data: gates });
  }
  const apart = join(folder.path, 'apart.gguf');
  await using writer = await createGgufWriter({
    out: apart,
    metadata: file.metadata,
    tensors: tensors.map(({ name, shape }) => {
      const type = [...file.tensors.values()][0]?.type;
      if (type === undefined) throw new Error('a file has tensors');
      return { name, shape, type };
    }),
  });
  for (const { name, data } of tensors) await writer.write(name, data);
  await writer.commit();
  await file.close();
  expect(tensors.map(({ name }) => name)).toContain('blk.0.attn_qkv.weight');
  expect(largestDifference(await logitsOf(apart), await logitsOf(grouped))).toBeLessThan(1e-5);
});

test('Qwen3.5-MoE whose heads are cut by blocks: its output projection is decoded, its columns in order', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'blocks.gguf');
  await convertToGguf({ model: golden('qwen3_5_moe_full'), out, recipe: { attention: 'q8_0' } });
  const weights = [];
  for (const path of [golden('qwen3_5_moe_full'), out]) {
    const checkpoint = await openCheckpoint(await resolveModel(path));
    for (const slot of ['deltaOutput', 'deltaQkv', 'deltaGate', 'deltaBeta', 'deltaTaps', 'deltaDecayLog']) {
      const tensor = await checkpoint.tensors.find((each) => each.slot === slot)?.read();
      if (tensor === undefined) throw new Error(`no tensor is ${slot}`);
      weights.push(isQuantized(tensor) ? decodeTensor(tensor) : toFloat32(tensor.data, tensor.dtype));
    }
    await checkpoint.close();
  }
  const count = weights.length / 2;
  for (let at = 0; at < count; at++) {
    const [own, read] = [weights[at] ?? new Float32Array(1), weights[at + count] ?? new Float32Array(1)];
    const largest = own.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    // half a step of Q8_0 and half a bit of a float16 scale
    expect(largestDifference(own, read)).toBeLessThan(largest / 200);
  }
});
