// What ends a conversion, and that nothing is left of it then.
import { access, copyFile, mkdir, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { nf4, type Quantizer } from '@moeq/quantizers';
import { elementCount } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { hashesOf, mixtralFolder } from '../testkit/checkpoint.js';
import { convertToGguf } from './convert-to-gguf.js';
import { quantizeCheckpoint } from './quantize-checkpoint.js';

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

test('NaN or infinity stops the run, names the tensor and the place, and leaves nothing', async () => {
  const cases = [
    ['model.layers.1.block_sparse_moe.experts.2.w3.weight', Number.NaN, 65, 'NaN at [1, 1]'],
    [
      'model.layers.0.block_sparse_moe.gate.weight',
      Number.POSITIVE_INFINITY,
      64 * 3 + 2,
      'Infinity at [3, 2]',
    ],
    ['model.norm.weight', Number.NEGATIVE_INFINITY, 5, '-Infinity at [5]'],
  ] as const;
  for (const [name, value, index, found] of cases) {
    await using model = await mixtralFolder({
      edit: (tensor, values) => {
        if (tensor === name) values[index] = value;
      },
    });
    const out = join(model.path, 'out');
    const run = quantizeCheckpoint({ model: model.path, out });
    await expect(run).rejects.toThrow(`"${name}": cannot quantize: expected finite weights, found ${found}`);
    expect((await readdir(model.path)).filter((entry) => entry.startsWith('out'))).toEqual([]);
  }
  await using fused = await mixtralFolder({
    fused: true,
    edit: (tensor, values) => {
      if (tensor.endsWith('layers.1.mlp.experts.down_proj')) values[3 * 64 * 96 + 97] = Number.NaN;
    },
  });
  const run = quantizeCheckpoint({ model: fused.path, out: join(fused.path, 'out') });
  await expect(run).rejects.toThrow(
    'experts.down_proj": cannot quantize: expected finite weights, found NaN at [3, 1, 1]',
  );
});

test('an abort ends it with the reason, at any moment, and leaves nothing', async () => {
  await using model = await mixtralFolder();
  const out = join(model.path, 'out');
  for (const moment of [0, 1, 7, 30]) {
    const controller = new AbortController();
    let events = 0;
    if (moment === 0) controller.abort(new Error('enough'));
    const onProgress = () => {
      if (++events === moment) controller.abort(new Error('enough'));
    };
    const run = quantizeCheckpoint({ model: model.path, out, onProgress, signal: controller.signal });
    await expect(run).rejects.toThrow('enough');
    expect((await readdir(model.path)).filter((name) => name.startsWith('out'))).toEqual([]);
  }
});

test('an output that is there stays, unless it is to be replaced', async () => {
  await using model = await mixtralFolder();
  const out = join(model.path, 'out');
  await quantizeCheckpoint({ model: model.path, out, recipe: 'int8' });
  const before = await readFile(join(out, 'model.safetensors'));
  await expect(quantizeCheckpoint({ model: model.path, out })).rejects.toThrow(out);
  expect(await readFile(join(out, 'model.safetensors'))).toEqual(before);
  await quantizeCheckpoint({ model: model.path, out, overwrite: true });
  expect(await readFile(join(out, 'model.safetensors'))).not.toEqual(before);
  const nan = await mixtralFolder({ edit: (_, values) => values.fill(Number.NaN, 0, 1) });
  const failed = quantizeCheckpoint({ model: nan.path, out, overwrite: true });
  await expect(failed).rejects.toThrow('finite weights');
  await nan[Symbol.asyncDispose]();
  expect(await exists(join(out, 'config.json'))).toBe(true);
});

test('options that do not exist are errors', async () => {
  const wrong = { model: 'tiny-moe', out: 'x', recipee: 'nf4' };
  await expect(quantizeCheckpoint(wrong)).rejects.toThrow('option "recipee"');
  await expect(quantizeCheckpoint({ model: 'tiny-moe', out: '' })).rejects.toThrow(
    'option out: cannot quantize: expected text of at least one character, found ""',
  );
  await expect(quantizeCheckpoint({ model: 'tiny-moe', out: 'x', recipe: 'nf5' })).rejects.toThrow('nf5');
});

test('the model that is read is never replaced by what is written', async () => {
  await using model = await mixtralFolder();
  const before = await readFile(join(model.path, 'model.safetensors'));
  for (const out of [model.path, `${model.path}/.`, join(model.path, '..')]) {
    const run = quantizeCheckpoint({ model: model.path, out, overwrite: true });
    await expect(run).rejects.toThrow('a place that is not, and does not hold, the model that is read');
  }
  expect(await readFile(join(model.path, 'model.safetensors'))).toEqual(before);
});

describe('links that lead into the output', () => {
  /** A model whose files are links into the folder `real`, a checkpoint that could be replaced. */
  async function linked(links: (real: string, model: string) => Promise<void>) {
    const model = await mixtralFolder();
    const [real, own] = [join(model.path, 'real'), join(model.path, 'links')];
    await mkdir(real);
    await mkdir(own);
    for (const name of ['config.json', 'generation_config.json', 'model.safetensors'])
      await rename(join(model.path, name), join(real, name));
    await links(real, own);
    return { real, model: own, [Symbol.asyncDispose]: model[Symbol.asyncDispose] };
  }

  const files = async (real: string, model: string) => {
    for (const name of await readdir(real)) await symlink(join(real, name), join(model, name));
  };

  test.each([
    ['to files', files],
    [
      'to a folder of chat templates',
      async (real: string, model: string) => {
        for (const name of await readdir(real)) await copyFile(join(real, name), join(model, name));
        await writeFile(join(real, 'tool_use.jinja'), '{{ tools }}');
        await symlink('../real', join(model, 'additional_chat_templates'));
      },
    ],
  ])('%s: refused, and the files stay', async (_, links) => {
    await using folder = await linked(links);
    const { real, model } = folder;
    const before = await hashesOf(real);
    for (const out of [real, join(real, '..')]) {
      const run = quantizeCheckpoint({ model, out, overwrite: true, allowLinks: true });
      await expect(run).rejects.toThrow(/not hold, the model that is read, found /);
    }
    expect(await hashesOf(real)).toEqual(before);
    const out = join(real, '..', 'out');
    await symlink(out, join(model, 'last-output'));
    await quantizeCheckpoint({ model, out, allowLinks: true });
    await quantizeCheckpoint({ model, out, overwrite: true, allowLinks: true });
  });

  test('to GGUF: no file of the model, and none that a link of it leads to', async () => {
    await using folder = await linked(files);
    const { real, model } = folder;
    const before = await hashesOf(real);
    for (const [from, out] of [
      [model, join(real, 'model.safetensors')],
      [model, join(real, 'generation_config.json')],
      [real, join(real, 'model.safetensors')],
    ] as const) {
      const run = convertToGguf({ model: from, out, overwrite: true, allowLinks: true });
      await expect(run).rejects.toThrow(/not hold, the model that is read, found /);
    }
    expect(await hashesOf(real)).toEqual(before);
  });
});

test('a quantizer that breaks its word is named, with the tensor, and nothing is left', async () => {
  await using model = await mixtralFolder();
  const out = join(model.path, 'out');
  const honest = nf4();
  const layoutless = (bytes: (weights: Float32Array) => number): Quantizer => ({
    ...honest,
    name: 'liar',
    layout: () => null,
    quantize: (weights, shape, { dtype }) => ({
      format: 'liar',
      shape,
      dtype,
      layout: null,
      planes: { bytes: { dtype: 'U8', data: new Uint8Array(bytes(weights)) } },
    }),
    dequantize: ({ shape }) => new Float32Array(elementCount(shape)),
  });
  const liars: readonly [quantizer: Quantizer, message: RegExp][] = [
    [
      {
        ...honest,
        name: 'liar',
        quantize: (...args) => {
          const tensor = honest.quantize(...args);
          const { codes, scales } = tensor.planes;
          if (codes === undefined || scales === undefined) throw new Error('nf4 without planes');
          return {
            ...tensor,
            format: 'liar',
            planes: { codes: { ...codes, data: codes.data.subarray(1) }, scales },
          };
        },
      },
      /quantizer "liar" failed on tensor ".*experts\.0\.w1\.weight": .*expected plane codes U8 .* 3072 bytes, found U8 of 3071 bytes/,
    ],
    // longer, or shorter, than what zeros of the same shape gave
    [
      layoutless((weights) => (weights[0] === 0 ? 10 : 11)),
      /quantizer "liar" failed on tensor ".*w1\.weight": .*bytes of 10 bytes, found .*bytes of 11 bytes/,
    ],
    [
      layoutless((weights) => (weights[0] === 0 ? 10 : 9)),
      /quantizer "liar" failed on tensor ".*w1\.weight": .*bytes of 10 bytes, found .*bytes of 9 bytes/,
    ],
  ];
  for (const [quantizer, message] of liars) {
    const run = quantizeCheckpoint({
      model: model.path,
      out,
      recipe: { name: 'mine', rules: [{ role: 'expert', quantizer: { name: 'liar' } }] },
      quantizers: [quantizer],
    });
    await expect(run).rejects.toThrow(message);
    expect((await readdir(model.path)).filter((name) => name.startsWith('out'))).toEqual([]);
  }
});
