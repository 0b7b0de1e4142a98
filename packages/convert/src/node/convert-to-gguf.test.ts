import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { referenceBackend } from '@moeq/kernels';
import { openCheckpoint } from '@moeq/loader';
import { openModel, resolveModel } from '@moeq/loader/node';
import { createModel } from '@moeq/runtime';
import { decodeTensor, ggufType, isQuantized, openGguf, quantizeGguf, toFloat32 } from '@moeq/tensors';
import { fileSource } from '@moeq/tensors/node';
import { describe, expect, test } from 'vitest';
import { splitGguf } from '../../../loader/src/testkit/split-gguf.js';
import { describeCheckpoint } from '../describe.js';
import { parseGgufRecipe } from '../gguf/recipe.js';
import { mixtralFolder, temporaryFolder } from '../testkit/checkpoint.js';
import { convertToGguf } from './convert-to-gguf.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

const golden = (name: string) =>
  fileURLToPath(new URL(`../../../loader/testdata/architectures/${name}`, import.meta.url));

async function logitsOf(reference: string, ids: readonly number[]): Promise<Float32Array> {
  const source = await openModel(reference);
  const model = await createModel(source, { backend: referenceBackend() });
  await source.close();
  const { logits } = await model.logits([...ids]);
  await model.close();
  return logits;
}

describe('there and back', () => {
  test.each(['mixtral', 'qwen3_moe', 'qwen2_moe'])(
    '%s: every tensor, the decoder and the logits',
    async (name) => {
      await using folder = await temporaryFolder();
      for (const recipe of ['bf16', 'f32']) {
        const out = join(folder.path, `${recipe}.gguf`);
        const report = await convertToGguf({ model: golden(name), out, recipe });
        const [before, after] = await Promise.all(
          [golden(name), out].map(async (model) => openCheckpoint(await resolveModel(model))),
        );
        if (before === undefined || after === undefined) throw new Error('not open');
        expect(after.decoder).toEqual(before.decoder);
        expect(after.tensors).toHaveLength(before.tensors.length);
        const own = new Map(after.tensors.map((tensor) => [tensor.facts.name, tensor]));
        for (const tensor of before.tensors) {
          const back = own.get(tensor.facts.name);
          expect(back?.facts).toEqual(tensor.facts);
          const [a, b] = [await tensor.read(), await back?.read()];
          if (b === undefined || isQuantized(a) || isQuantized(b)) throw new Error('not plain');
          expect(toFloat32(b.data, b.dtype)).toEqual(toFloat32(a.data, a.dtype));
        }
        expect(report.bytes.in).toBe(before.tensors.reduce((sum, { bytes }) => sum + bytes, 0));
        expect(report).toMatchObject({ form: 'gguf', recipe, errors: { byRole: {}, worst: [] } });
        expect(report.coverage.fraction).toBe(0);
        await before.close();
        await after.close();
        const ids = [3, 1, 4, 1, 5, 9, 2, 6];
        expect(await logitsOf(out, ids)).toEqual(await logitsOf(golden(name), ids));
      }
    },
  );

  test('fused experts are stacked as single ones are', async () => {
    await using folder = await mixtralFolder({ fused: true, dtype: 'F32' });
    const out = join(folder.path, 'x.gguf');
    await convertToGguf({ model: folder.path, out, recipe: 'f32' });
    const ids = [1, 2, 3];
    expect(await logitsOf(out, ids)).toEqual(await logitsOf(folder.path, ids));
    const file = await openGguf(await fileSource(out));
    expect(file.tensors.get('blk.1.ffn_up_exps.weight')?.shape).toEqual([4, 96, 64]);
    const up = await file.readPart('blk.1.ffn_up_exps.weight', 3);
    const fused = folder.tensors['model.layers.1.mlp.experts.gate_up_proj'];
    const matrix = 2 * 96 * 64 * 4;
    if (isQuantized(up)) throw new Error('quantized');
    expect(up.data).toEqual(fused?.data.slice(3 * matrix + matrix / 2, 4 * matrix));
    await file.close();
  });
});

describe('quantized', () => {
  test.each(['q8_0', 'q4_0', 'iq4_nl'])(
    '%s: experts only, as ggml does, and the report says so',
    async (recipe) => {
      await using folder = await mixtralFolder();
      const out = join(folder.path, 'x.gguf');
      const report = await convertToGguf({ model: folder.path, out, recipe });
      expect(report.coverage.fraction).toBe(1);
      expect(report.byRole.find(({ role }) => role === 'expert')).toMatchObject({
        stored: [recipe],
        bitsPerWeight: recipe === 'q8_0' ? 8.5 : 4.5,
      });
      expect(report.byRole.find(({ role }) => role === 'router')?.stored).toEqual(['F32']);
      expect(report.byRole.find(({ role }) => role === 'attention')?.stored).toEqual(['BF16']);
      expect(report.errors.byRole.expert).toBeGreaterThan(recipe === 'q8_0' ? 0.001 : 0.05);
      expect(report.errors.byRole.expert).toBeLessThan(recipe === 'q8_0' ? 0.01 : 0.12);
      expect(report.errors.worst).toHaveLength(10);
      expect(report.files).toHaveLength(1);

      const file = await openGguf(await fileSource(out));
      const read = await file.readPart('blk.0.ffn_gate_exps.weight', 2);
      const weights = folder.tensors['model.layers.0.block_sparse_moe.experts.2.w1.weight'];
      if (!isQuantized(read) || weights === undefined) throw new Error('not quantized');
      const expected = quantizeGguf(
        ggufType(recipe.toUpperCase()),
        toFloat32(weights.data, weights.dtype),
        weights.shape,
      );
      expect(decodeTensor(read)).toEqual(decodeTensor(expected));
      await file.close();
      const checkpoint = await openCheckpoint(await resolveModel(out));
      const summary = describeCheckpoint(checkpoint);
      await checkpoint.close();
      expect(summary.bitsPerWeight.byRole.expert).toBe(recipe === 'q8_0' ? 8.5 : 4.5);
    },
  );

  test('types by role, and from a checkpoint that is quantized', async () => {
    await using folder = await mixtralFolder();
    const nf4 = join(folder.path, 'nf4');
    await quantizeCheckpoint({ model: folder.path, out: nf4, recipe: 'nf4' });
    const out = join(folder.path, 'x.gguf');
    const recipe = { attention: 'q8_0', head: 'q4_0', embedding: 'f16' };
    await convertToGguf({ model: nf4, out, recipe });
    const file = await openGguf(await fileSource(out));
    const types = [...file.tensors.values()].map(({ name, type }) => [name, type.name]);
    expect(Object.fromEntries(types)).toMatchObject({
      'token_embd.weight': 'F16',
      'output.weight': 'Q4_0',
      'blk.0.attn_q.weight': 'Q8_0',
      'blk.0.ffn_gate_inp.weight': 'F32',
      'blk.0.ffn_norm.weight': 'F32',
      // what NF4 stood for
      'blk.0.ffn_down_exps.weight': 'BF16',
    });
    await file.close();
  });

  test('a GGUF file is a model to quantize, tokenizer and all', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'x.gguf');
    await convertToGguf({ model: 'tiny-moe', out, recipe: 'bf16' });
    const nf4 = join(folder.path, 'nf4');
    const report = await quantizeCheckpoint({ model: out, out: nf4, recipe: 'nf4' });
    expect(report.coverage.fraction).toBe(1);
    expect(await readdir(nf4)).toEqual(
      expect.arrayContaining(['config.json', 'model.safetensors', 'tokenizer.json', 'tokenizer_config.json']),
    );
    const source = await openModel(nf4);
    expect(source.tokenizer?.encode('In the beginning')).toHaveLength(4);
    await source.close();
    const direct = join(folder.path, 'direct');
    await quantizeCheckpoint({ model: 'tiny-moe', out: direct, recipe: 'nf4' });
    expect(await logitsOf(nf4, [1, 2, 3])).toEqual(await logitsOf(direct, [1, 2, 3]));
  });
});

describe('what cannot be is refused, and nothing is left', () => {
  const refused = async (folder: string, options: object, sentence: RegExp) => {
    const before = await readdir(folder);
    await expect(convertToGguf({ model: folder, out: join(folder, 'x.gguf'), ...options })).rejects.toThrow(
      sentence,
    );
    expect(await readdir(folder)).toEqual(before);
  };

  test('recipes and options', async () => {
    await using folder = await mixtralFolder();
    await refused(
      folder.path,
      { recipe: 'q3' },
      /expected one of f32, f16, bf16, q8_0, q4_0, iq4_nl, found "q3"/,
    );
    await refused(folder.path, { recipe: 'q4_k' }, /one of f32, .*found "q4_k"/);
    await refused(folder.path, { recipe: { router: 'q8_0' } }, /roles expert, .*found "router"/);
    await refused(folder.path, { recipe: { expert: 8 } }, /role expert: .*one of f32/);
    await refused(folder.path, { recipe: [] }, /the name of a type, or an object/);
    await refused(folder.path, { shards: 2 }, /option "shards".*an unknown option/);
    await refused(folder.path, { signal: AbortSignal.abort(new Error('enough')) }, /enough/);
    expect(parseGgufRecipe().name).toBe('iq4_nl');
  });

  test('weights that are no numbers, and such as the type does not hold', async () => {
    const large = (value: number) =>
      mixtralFolder({
        dtype: 'F32',
        edit: (name, values) => name.includes('w2') && values.fill(value, 5, 6),
      });
    await using nan = await large(Number.NaN);
    await refused(nan.path, {}, /experts\.0\.w2\.weight".*finite weights, found NaN/);
    await using much = await large(1e6);
    await refused(
      much.path,
      { recipe: 'f16' },
      /tensor "blk\.0\.ffn_down_exps\.weight".*weights within F16, found 1000000/,
    );
  });

  test('models that llama.cpp does not have', async () => {
    await using folder = await temporaryFolder();
    await refused(
      folder.path,
      { model: golden('flex_olmo') },
      /one of mixtral, qwen3_moe, .*, found flex_olmo/,
    );
    await using windows = await mixtralFolder();
    const config = JSON.parse(await readText(join(windows.path, 'config.json'))) as object;
    await writeFile(join(windows.path, 'config.json'), JSON.stringify({ ...config, sliding_window: 8 }));
    await refused(windows.path, {}, /config\.layers\.0\.blocks\.0\.mixer\.window null, found 8/);
  });

  test('a file in the way, and the model itself', async () => {
    await using folder = await temporaryFolder();
    const out = join(folder.path, 'x.gguf');
    await convertToGguf({ model: golden('mixtral'), out });
    await expect(convertToGguf({ model: golden('mixtral'), out })).rejects.toThrow(/a name that is free/);
    await expect(convertToGguf({ model: out, out, overwrite: true })).rejects.toThrow(
      /a place that is not, and does not hold, the model that is read/,
    );
    const parts = await splitGguf(new Uint8Array(await readFile(out)));
    const [first = '', second = ''] = Object.keys(parts).map((name) => join(folder.path, name));
    for (const [name, data] of Object.entries(parts)) await writeFile(join(folder.path, name), data);
    await expect(convertToGguf({ model: first, out: second, overwrite: true })).rejects.toThrow(
      /x-00002-of-00003\.gguf: cannot write as GGUF: expected a place that is not, and does not hold, the model that is read/,
    );
    expect(new Uint8Array(await readFile(second))).toEqual(parts['x-00002-of-00003.gguf']);
    for (const name of Object.keys(parts)) await rm(join(folder.path, name));
    await convertToGguf({ model: golden('mixtral'), out, overwrite: true, recipe: 'f16' });
    expect(await readdir(folder.path)).toEqual(['x.gguf']);
  });
});

async function readText(path: string): Promise<string> {
  const source = await fileSource(path);
  const data = await source.read(0, source.size);
  await source.close();
  return new TextDecoder().decode(data);
}
