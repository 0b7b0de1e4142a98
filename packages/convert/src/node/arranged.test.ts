// Experts that lie transposed in the files, gates and ups in turn: their matrices are quantized as the decoder has them, and what
// is kept stays as it lies, biases too.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { openCheckpoint } from '@moeq/loader';
import { folder } from '@moeq/loader/node';
import { doubleQuant, nf4 } from '@moeq/quantizers';
import { isQuantized, sliceMatrix, type Tensor, toFloat32 } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../testkit/checkpoint.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

const model = fileURLToPath(new URL('../../../loader/testdata/architectures/gpt_oss', import.meta.url));
const experts = 'model.layers.1.mlp.experts';

async function tensorsOf(path: string): Promise<Map<string, Tensor>> {
  const file = await openSafetensorsFile(join(path, 'model.safetensors'));
  const tensors = new Map<string, Tensor>();
  for (const name of file.tensors.keys()) tensors.set(name, await file.read(name));
  await file.close();
  return tensors;
}

/** x W of the file [K, N] to rows [N, K], all gates before all ups. */
function asDecoder(values: Float32Array, rows: number, columns: number, inTurn: boolean): Float32Array {
  return Float32Array.from(values, (_, i) => {
    const [n, k] = [Math.floor(i / columns), i % columns];
    const row = !inTurn ? n : n < rows / 2 ? 2 * n : 2 * (n - rows / 2) + 1;
    return values[k * rows + row] ?? Number.NaN;
  });
}

test('all matrices of experts are quantized, and nothing else', async () => {
  await using out = await temporaryFolder();
  const path = join(out.path, 'nf4');
  const { coverage } = await quantizeCheckpoint({ model, out: path, recipe: 'nf4' });
  expect(coverage.fraction).toBe(1);
  const [before, after] = [await tensorsOf(model), await tensorsOf(path)];
  const isMatrix = (name: string) => /experts\.(gate_up|down)_proj$/.test(name);
  for (const [name, tensor] of before)
    expect(after.get(name), name).toEqual(isMatrix(name) ? undefined : tensor);

  const checkpoint = await openCheckpoint(folder(path));
  for (const [name, inTurn] of [
    [`${experts}.gate_up_proj`, true],
    [`${experts}.down_proj`, false],
  ] as const) {
    const stored = before.get(name) as Tensor;
    const [count = 0, columns = 0, rows = 0] = stored.shape;
    const read = await checkpoint.tensors.find(({ facts }) => facts.name === name)?.read();
    if (read === undefined || !isQuantized(read)) throw new Error(`${name} is not quantized`);
    expect(read.shape).toEqual([count, rows, columns]);
    for (let expert = 0; expert < count; expert++) {
      const values = toFloat32(sliceMatrix(stored, expert).data, stored.dtype);
      const weights = asDecoder(values, rows, columns, inTurn);
      const expected = doubleQuant(nf4()).quantize(weights, [rows, columns], { name, dtype: 'BF16' });
      const { planes } = sliceMatrix(read, expert);
      for (const [plane, { data }] of Object.entries(expected.planes))
        expect(planes[plane]?.data, `${name} ${expert} ${plane}`).toEqual(data);
    }
  }
  await checkpoint.close();
});

test('experts that are kept are copied as they lie', async () => {
  await using out = await temporaryFolder();
  const path = join(out.path, 'kept');
  const recipe = {
    name: 'attention',
    rules: [
      { role: 'attention', quantizer: { name: 'nf4' } },
      { role: 'expert', quantizer: 'keep' },
    ],
  };
  await quantizeCheckpoint({ model, out: path, recipe });
  const [before, after] = [await tensorsOf(model), await tensorsOf(path)];
  const names = [...before.keys()].filter((name) => name.includes('.experts.'));
  expect(names).toHaveLength(8);
  for (const name of names) expect(after.get(name), name).toEqual(before.get(name));

  const [kept, source] = [await openCheckpoint(folder(path)), await openCheckpoint(folder(model))];
  const read = async ({ tensors }: typeof kept) =>
    tensors.find(({ facts }) => facts.name === `${experts}.gate_up_proj`)?.read();
  expect(await read(kept)).toEqual(await read(source));
  await Promise.all([kept.close(), source.close()]);
});
