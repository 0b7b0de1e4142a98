// Every architecture that is written as GGUF: the file gives the logits that transformers gives with the same weights.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { toFloat32 } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testkit/checkpoint.js';
import { convertToGguf } from './convert-to-gguf.js';

const testdata = fileURLToPath(new URL('../../../loader/testdata', import.meta.url));

test.each([
  ['architectures/mixtral'],
  ['architectures/qwen3_moe'],
  ['architectures/qwen2_moe'],
  ['architectures/gpt_oss'],
  ['quantized/gpt_oss_mxfp4'],
  ['architectures/deepseek_v2'],
  ['architectures/deepseek_v2_lite'],
  ['architectures/deepseek_v3'],
  ['architectures/glm4_moe_lite'],
  ['architectures/glm4_moe'],
  ['architectures/minimax_m2'],
  ['architectures/lfm2_moe'],
  ['architectures/granitemoe'],
  ['architectures/granitemoeshared'],
  ['architectures/ernie4_5_moe'],
  ['architectures/dots1'],
  ['architectures/olmoe'],
  ['architectures/qwen3_next'],
  ['architectures/qwen3_5_moe_full'],
])('%s', async (name) => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'model.gguf');
  await convertToGguf({ model: join(testdata, name), out, recipe: 'f32' });
  const source = await openModel(out);
  const model = await createModel(source, { backend: referenceBackend() });
  await source.close();
  const reference = await openSafetensorsFile(join(testdata, name, 'reference.safetensors'));
  const { data: ids, shape } = await reference.read('input_ids');
  const { data, dtype } = await reference.read('logits');
  await reference.close();
  const [, length = 0] = shape;
  const tokens = new Int32Array(ids.buffer, ids.byteOffset, ids.byteLength / 4);
  const wide = ids.byteLength / 8 === (shape[0] ?? 0) * length;
  const first = Array.from({ length }, (_, at) => tokens[wide ? 2 * at : at] ?? 0);
  const { logits } = await model.logits(first);
  const expected = toFloat32(data, dtype).subarray(0, logits.length);
  const largest = logits.reduce(
    (most, value, at) => Math.max(most, Math.abs(value - (expected[at] ?? 0))),
    0,
  );
  expect(largest).toBeLessThan(2e-3);
  await model.close();
});

test('MXFP4 of gpt-oss stays MXFP4: the same codes, and the same logits', async () => {
  await using folder = await temporaryFolder();
  const out = join(folder.path, 'model.gguf');
  const path = join(testdata, 'quantized/gpt_oss_mxfp4');
  const report = await convertToGguf({ model: path, out });
  const experts = report.byRole.find(({ role }) => role === 'expert');
  expect(experts?.stored.toSorted()).toEqual(['F32', 'mxfp4']);
  expect(experts?.relativeError).toBe(0);
  // and of a GGUF file too, whose codes lie in that order already
  const again = join(folder.path, 'again.gguf');
  await convertToGguf({ model: out, out: again, recipe: 'q8_0' });
  const logits = [];
  for (const reference of [path, out, again]) {
    const source = await openModel(reference);
    const model = await createModel(source, { backend: referenceBackend() });
    await source.close();
    logits.push((await model.logits([5, 17, 3, 99, 42])).logits);
    await model.close();
  }
  expect(logits[1]).toEqual(logits[0]);
  expect(logits[2]).toEqual(logits[0]);
});
