// What stands beside the decoder goes through a conversion byte for byte, in one run, resumed, and in parts.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openCheckpoint, openModelFiles } from '@moeq/loader';
import { folder } from '@moeq/loader/node';
import { byteLength, type DType, encodeSafetensors, type Tensor } from '@moeq/tensors';
import { openSafetensorsFile } from '@moeq/tensors/node';
import { expect, test } from 'vitest';
import { describeCheckpoint } from '../describe.js';
import { mixtralFolder } from '../testkit/checkpoint.js';
import { convertToGguf } from './convert-to-gguf.js';
import { mergeParts } from './merge.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

/** Bits that are NaN in every float dtype. */
function tensor(dtype: DType, shape: readonly number[]): Tensor {
  return { dtype, shape, data: new Uint8Array(byteLength(dtype, shape)).fill(255) };
}

const others: Readonly<Record<string, Tensor>> = {
  'model.layers.0.self_attn.rotary_emb.inv_freq': tensor('F32', [8]),
  'model.layers.1.self_attn.k_scale': tensor('F32', []),
  'mtp.fc.weight': tensor('BF16', [64, 128]),
  'model.causal_mask': tensor('BOOL', [1, 1, 8, 8]),
  'visual.position_ids': tensor('I64', [1, 16]),
  'visual.blocks.0.attn.qkv.weight': tensor('F8_E4M3', [192, 64]),
  'model.image_newline': tensor('F16', [0]),
  'visual.rotations': tensor('C64', [2]),
  'visual.packed': tensor('F4', [3, 2]),
};
const bytes = Object.values(others).reduce((sum, { data }) => sum + data.byteLength, 0);
const note = `carried along as it is: 9 tensors of ${bytes} bytes beside the decoder, "model.causal_mask", "model.image_newline", "model.layers.0.self_attn.rotary_emb.inv_freq", "model.layers.1.self_attn.k_scale" and 2 more`;

/** A checkpoint with them, and a config.json with keys that no decoder reads. */
async function withOthers() {
  const model = await mixtralFolder();
  const config = JSON.parse(await readFile(join(model.path, 'config.json'), 'utf8')) as object;
  const text = JSON.stringify({ ...config, vision_config: { depth: 0 } }).replace(
    '"depth":0',
    '"depth":Infinity',
  );
  await writeFile(join(model.path, 'config.json'), text);
  await writeFile(join(model.path, 'model.safetensors'), encodeSafetensors({ ...model.tensors, ...others }));
  return { model, at: (name: string) => join(model.path, name), text };
}

async function othersOf(path: string): Promise<Record<string, Tensor>> {
  const file = await openSafetensorsFile(join(path, 'model.safetensors'));
  const found: Record<string, Tensor> = {};
  for (const name of Object.keys(others)) found[name] = await file.read(name);
  await file.close();
  return found;
}

test('quantize: bytes, dtypes and shapes as they were, counted under their role', async () => {
  const { model, at, text } = await withOthers();
  await using _ = model;
  const report = await quantizeCheckpoint({ model: model.path, out: at('out'), recipe: 'nf4-all' });
  expect(await othersOf(at('out'))).toEqual(others);
  expect(report.notes).toEqual([note]);
  const row = report.byRole.find(({ role }) => role === 'other');
  expect(row).toMatchObject({ tensors: 9, bytesIn: bytes, bytesOut: bytes, relativeError: 0 });
  const config = await readFile(at('out/config.json'), 'utf8');
  expect(config.startsWith(text.slice(0, -1))).toBe(true);
  const checkpoint = await openCheckpoint(folder(at('out')));
  const plain = await openCheckpoint(folder(model.path));
  expect(describeCheckpoint(checkpoint).bytes.byRole.other).toBe(bytes);
  expect(describeCheckpoint(checkpoint).activeParameters).toBe(describeCheckpoint(plain).activeParameters);
  const own = describeCheckpoint(plain);
  const counted = own.tensors.filter(({ role }) => role === 'other');
  expect(own.activeParameters).toBeLessThanOrEqual(
    own.parameters - counted.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
  );
  await checkpoint.close();
  await plain.close();
});

test('resumed and in parts: the same bytes', async () => {
  const { model, at } = await withOthers();
  await using _ = model;
  const resumed = await quantizeCheckpoint({
    model: model.path,
    out: at('resumed'),
    resume: true,
    partBytes: 9000,
  });
  expect(await othersOf(at('resumed'))).toEqual(others);
  const parts = [1, 2, 3].map((index) => at(`part-${index}`));
  for (const [i, out] of parts.entries()) {
    await quantizeCheckpoint({ model: model.path, out, shard: { index: i + 1, of: 3 } });
  }
  const merged = await mergeParts({ parts, out: at('merged') });
  expect(await othersOf(at('merged'))).toEqual(others);
  expect([resumed.notes, merged.notes]).toEqual([[note], [note]]);
});

test('chat templates in a folder go along: at once, resumed, and in parts', async () => {
  await using model = await mixtralFolder();
  const at = (name: string) => join(model.path, name);
  const texts = { 'tool_use.jinja': '{{ tools }}\r\n', 'rag.jinja': '' };
  await mkdir(at('additional_chat_templates'));
  for (const [name, text] of Object.entries(texts))
    await writeFile(at(`additional_chat_templates/${name}`), text);
  await writeFile(at('additional_chat_templates/notes.bin'), 'x');
  await writeFile(at('chat_template.jinja'), '{{ messages }}');
  const common = { model: model.path, recipe: 'nf4' };
  const { files } = await quantizeCheckpoint({ ...common, out: at('out') });
  await quantizeCheckpoint({ ...common, out: at('resumed'), resume: true, partBytes: 9000 });
  const parts = [1, 2].map((index) => at(`part-${index}`));
  for (const [i, out] of parts.entries())
    await quantizeCheckpoint({ ...common, out, shard: { index: i + 1, of: 2 } });
  await mergeParts({ parts, out: at('merged') });
  for (const out of ['out', 'resumed', 'merged']) {
    const within = at(`${out}/additional_chat_templates`);
    expect((await readdir(within)).sort(), out).toEqual(Object.keys(texts).sort());
    for (const [name, text] of Object.entries(texts))
      expect(await readFile(join(within, name), 'utf8')).toBe(text);
    expect(await readFile(at(`${out}/chat_template.jinja`), 'utf8')).toBe('{{ messages }}');
  }
  expect(files.map(({ path }) => path)).toContain('additional_chat_templates/tool_use.jinja');
});

test('to GGUF: left out, and the report says so', async () => {
  const { model, at } = await withOthers();
  await using _ = model;
  const { notes } = await convertToGguf({ model: model.path, out: at('out.gguf'), recipe: 'f16' });
  expect(notes.at(-1)).toBe(
    note.replace('carried along as it is', 'left out, as llama.cpp has no names for it'),
  );
});

test('a rotation that is not known is no matter to quantizing, and refused where the model would run', async () => {
  await using model = await mixtralFolder();
  const at = (name: string) => join(model.path, name);
  const config = JSON.parse(await readFile(at('config.json'), 'utf8')) as object;
  await writeFile(at('config.json'), JSON.stringify({ ...config, rope_scaling: { rope_type: 'abacus' } }));
  await quantizeCheckpoint({ model: model.path, out: at('out') });
  expect(JSON.parse(await readFile(at('out/config.json'), 'utf8'))).toMatchObject({
    rope_scaling: { rope_type: 'abacus' },
  });
  await expect(openModelFiles(folder(at('out')))).rejects.toThrow(
    /rope_scaling\.rope_type to be one of .*"abacus"/,
  );
  await expect(convertToGguf({ model: model.path, out: at('out.gguf') })).rejects.toThrow(/"abacus"/);
});
