import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Checkpoint, openCheckpoint } from '@moeq/loader';
import { folder } from '@moeq/loader/node';
import { doubleQuant, nf4 } from '@moeq/quantizers';
import {
  decodeTensor,
  elementCount,
  isQuantized,
  relativeError,
  sliceMatrix,
  squaredNorms,
  toFloat32,
} from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { mixtralFolder } from '../testkit/checkpoint.js';
import type { QuantizeProgress } from './options.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

async function withCheckpoint<T>(path: string, use: (checkpoint: Checkpoint) => Promise<T>): Promise<T> {
  const checkpoint = await openCheckpoint(folder(path));
  try {
    return await use(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

const isExpert = (name: string) => name.includes('.experts.');

test.each(['F32', 'F16', 'BF16'] as const)('%s: all but the experts is byte-identical', async (dtype) => {
  await using model = await mixtralFolder({ dtype });
  const out = join(model.path, 'out');
  const report = await quantizeCheckpoint({ model: model.path, out, recipe: 'nf4' });
  expect(report.coverage.fraction).toBe(1);
  const file = await openSafetensorsFile(join(out, 'model.safetensors'));
  const kept = Object.entries(model.tensors).filter(([name]) => !isExpert(name));
  expect(kept.length).toBeGreaterThan(10);
  for (const [name, tensor] of kept) expect(await file.read(name), name).toEqual(tensor);
  await file.close();
});

test.each([false, true])('the codes are those of each matrix by itself, fused: %s', async (fused) => {
  await using model = await mixtralFolder({ fused });
  const out = join(model.path, 'out');
  await quantizeCheckpoint({ model: model.path, out, recipe: 'nf4' });
  const quantizer = doubleQuant(nf4());
  await withCheckpoint(out, async ({ tensors }) => {
    for (const tensor of tensors.filter(({ facts }) => facts.role === 'expert')) {
      const { name, shape } = tensor.facts;
      const input = model.tensors[name];
      const read = await tensor.read();
      if (input === undefined || !isQuantized(read)) throw new Error(`${name} is not there or not quantized`);
      const [columns = 0, rows = 0, matrices = 1] = shape.toReversed();
      for (let index = 0; index < matrices; index++) {
        const weights = toFloat32((fused ? sliceMatrix(input, index) : input).data, input.dtype);
        const expected = quantizer.quantize(weights, [rows, columns], { name, dtype: 'BF16' });
        const { planes } = fused ? sliceMatrix(read, index) : read;
        for (const [plane, { data }] of Object.entries(expected.planes)) {
          expect(planes[plane]?.data, `${name} ${index} ${plane}`).toEqual(data);
        }
      }
    }
  });
});

test.each([false, true])('the report is what the files say, fused: %s', async (fused) => {
  await using model = await mixtralFolder({ fused });
  const out = join(model.path, 'out');
  const report = await quantizeCheckpoint({ model: model.path, out, recipe: 'mixed' });
  expect(report.byRole.map(({ role }) => role).sort()).toEqual(
    ['attention', 'embedding', 'expert', 'head', 'norm', 'router'].sort(),
  );
  await withCheckpoint(out, async ({ tensors }) => {
    for (const summary of report.byRole) {
      const own = tensors.filter(({ facts }) => facts.role === summary.role);
      const inputs = own.map(({ facts }) => model.tensors[facts.name]);
      expect(summary.tensors).toBe(own.length);
      expect(summary.parameters).toBe(own.reduce((sum, { facts }) => sum + elementCount(facts.shape), 0));
      expect(summary.bytesOut).toBe(own.reduce((sum, { bytes }) => sum + bytes, 0));
      expect(summary.bytesIn).toBe(inputs.reduce((sum, input) => sum + (input?.data.byteLength ?? 0), 0));
      expect(summary.bitsPerWeight).toBe((8 * summary.bytesOut) / summary.parameters);
      let [weights, difference] = [0, 0];
      for (const [index, tensor] of own.entries()) {
        const read = await tensor.read();
        const input = inputs[index];
        if (!isQuantized(read) || input === undefined) continue;
        const norms = squaredNorms(toFloat32(input.data, input.dtype), decodeTensor(read));
        weights += norms.weights;
        difference += norms.difference;
      }
      expect(summary.relativeError).toBeCloseTo(relativeError({ weights, difference }), 12);
      expect(report.errors.byRole[summary.role] ?? 0).toBe(summary.relativeError);
    }
  });
  const sum = (key: 'bytesIn' | 'bytesOut') => report.byRole.reduce((total, row) => total + row[key], 0);
  expect(report.bytes).toEqual({ in: sum('bytesIn'), out: sum('bytesOut') });
  expect(report.errors.worst).toHaveLength(10);
  const errors = report.errors.worst.map(({ relativeError: error }) => error);
  expect(errors).toEqual(errors.toSorted((a, b) => b - a));
  expect(errors.at(-1)).toBeGreaterThan(0.005);
  const matrices = report.errors.worst.map(({ role, matrix }) => (role === 'expert' ? matrix : undefined));
  for (const matrix of matrices) if (!fused) expect(matrix).toBeUndefined();
  if (fused) expect(matrices.some((matrix) => matrix !== undefined && matrix < 4)).toBe(true);
  const written = await readdir(out);
  expect(report.files.map(({ path }) => path).sort()).toEqual(written.sort());
  for (const { path, bytes, sha256 } of report.files) {
    const data = await readFile(join(out, path));
    expect(data.byteLength).toBe(bytes);
    const hash = await crypto.subtle.digest('SHA-256', data);
    expect(sha256).toBe(Buffer.from(hash).toString('hex'));
  }
});

test('double quantization saves 0.37 bits a weight, counted from the files', async () => {
  await using model = await mixtralFolder();
  const bits = async (doubleQuantized: boolean) => {
    const out = join(model.path, `out-${doubleQuantized}`);
    const rule = { role: 'expert', quantizer: { name: 'nf4', doubleQuant: doubleQuantized } };
    const report = await quantizeCheckpoint({
      model: model.path,
      out,
      recipe: { name: 'mine', rules: [rule] },
    });
    const file = await openSafetensorsFile(join(out, 'model.safetensors'));
    const planes = [...file.tensors.values()].filter(
      ({ name }) => isExpert(name) && !/quant_map$|quant_state/.test(name),
    );
    await file.close();
    const parameters = report.byRole.find(({ role }) => role === 'expert')?.parameters ?? Number.NaN;
    return (8 * planes.reduce((sum, { bytes }) => sum + bytes, 0)) / parameters;
  };
  // of 6144 weights: 96 scales in float32, or 96 codes and one nested scale; the offset is in the description
  expect(await bits(false)).toBeCloseTo(4 + (8 * 96 * 4) / 6144, 10);
  expect(await bits(true)).toBeCloseTo(4 + (8 * (96 + 4)) / 6144, 10);
});

test('config.json gains the block and keeps its text; other text files are copied, weights and hidden files not', async () => {
  await using model = await mixtralFolder();
  await writeFile(join(model.path, 'tokenizer.json'), '{"a":  1}');
  await writeFile(join(model.path, 'LICENSE'), 'mine');
  await writeFile(join(model.path, '.hidden.json'), '{}');
  await writeFile(join(model.path, 'pytorch_model.bin'), 'x');
  const out = join(model.path, 'out');
  await quantizeCheckpoint({ model: model.path, out });
  expect((await readdir(out)).sort()).toEqual(
    ['LICENSE', 'config.json', 'generation_config.json', 'model.safetensors', 'tokenizer.json'].sort(),
  );
  expect(await readFile(join(out, 'tokenizer.json'), 'utf8')).toBe('{"a":  1}');
  const before = await readFile(join(model.path, 'config.json'), 'utf8');
  const after = await readFile(join(out, 'config.json'), 'utf8');
  expect(after.startsWith(before.trimEnd().slice(0, -2))).toBe(true);
  expect(after).toMatch(/[^\s],\n {2}"quantization_config": \{\n {4}"quant_method"/);
  const { quantization_config: block, ...rest } = JSON.parse(after);
  expect(rest).toEqual(JSON.parse(before));
  expect(block).toMatchObject({
    quant_method: 'bitsandbytes',
    load_in_4bit: true,
    bnb_4bit_use_double_quant: true,
  });
});

test('progress counts every byte of the input once and names the tensors in order', async () => {
  await using model = await mixtralFolder({ fused: true });
  const events: QuantizeProgress[] = [];
  const onProgress = (event: QuantizeProgress) => void events.push(event);
  await quantizeCheckpoint({ model: model.path, out: join(model.path, 'out'), onProgress });
  const bytesTotal = Object.values(model.tensors).reduce((sum, { data }) => sum + data.byteLength, 0);
  expect(events.at(-1)).toMatchObject({ bytesDone: bytesTotal, bytesTotal });
  const done = events.map(({ bytesDone }) => bytesDone);
  expect(done).toEqual(done.toSorted((a, b) => a - b));
  expect(new Set(events.map(({ tensor }) => tensor))).toEqual(new Set(Object.keys(model.tensors)));
});

test('shards keep the parts of a tensor together and load like one file', async () => {
  await using model = await mixtralFolder();
  const out = join(model.path, 'out');
  const { files } = await quantizeCheckpoint({ model: model.path, out, maxShardBytes: 40_000 });
  expect(files.filter(({ path }) => path.endsWith('.safetensors')).length).toBeGreaterThan(3);
  const { weight_map: places } = JSON.parse(
    await readFile(join(out, 'model.safetensors.index.json'), 'utf8'),
  );
  for (const [name, file] of Object.entries<string>(places)) {
    const weight = /^(.*\.weight)\./.exec(name)?.[1];
    if (weight !== undefined) expect(places[weight], name).toBe(file);
  }
  await withCheckpoint(out, async ({ tensors }) => {
    for (const tensor of tensors) await tensor.read();
    expect(tensors).toHaveLength(Object.keys(model.tensors).length);
  });
});

test('a BitsAndBytesConfig is a recipe, and its differences are reported', async () => {
  await using model = await mixtralFolder();
  const recipe = { load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_compute_dtype: 'bfloat16' };
  const report = await quantizeCheckpoint({ model: model.path, out: join(model.path, 'out'), recipe });
  expect(report.notes.join(' ')).toContain('compute dtype bfloat16 runs in float32');
  const stored = Object.fromEntries(report.byRole.map((row) => [row.role, row.stored.join()]));
  expect(stored).toMatchObject({
    expert: 'nf4',
    attention: 'nf4',
    router: 'BF16',
    embedding: 'BF16',
    norm: 'BF16',
  });
});
