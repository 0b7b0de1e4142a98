// Configurations, indices and sets of tensors that do not belong together.
import { symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fromFloat32, type Tensor } from '@moeq/tensors';
import type { Cases, Malformed, Spoilt } from './malformed.js';

const expert = (index: number, w: string) => `model.layers.1.block_sparse_moe.experts.${index}.${w}.weight`;
const zeros = (...shape: number[]): Tensor => ({
  dtype: 'BF16',
  shape,
  data: fromFloat32(new Float32Array(shape.reduce((product, size) => product * size, 1)), 'BF16'),
});

const config = (fields: object, sentence: RegExp): Malformed => ({
  spoil: (model) => model.edit('config.json', { ...fields }),
  sentence,
});
const tensors = (changes: Readonly<Record<string, Tensor | undefined>>, sentence: RegExp): Malformed => ({
  spoil: (model) => model.retensor(changes),
  sentence,
});
/** All tensors in a shard of that name. */
const shard = (name: string, sentence: RegExp, prepare?: (model: Spoilt) => Promise<void>): Malformed => ({
  async spoil(model) {
    const names = Object.keys(await model.tensors());
    await model.remove('model.safetensors');
    await prepare?.(model);
    await model.write('model.safetensors.index.json', {
      weight_map: Object.fromEntries(names.map((each) => [each, name])),
    });
  },
  sentence,
});

export const configCases: Cases = {
  'no config.json': {
    spoil: (model) => model.remove('config.json'),
    sentence: /expected a config\.json, found none/,
  },
  'a config that is cut': {
    spoil: (model) => model.write('config.json', '{"model_type":"mix'),
    sentence: /config\.json: .*expected a JSON object/,
  },
  'a config 1,000,000 deep': {
    spoil: (model) => model.write('config.json', `{"a":${'['.repeat(1e6)}${']'.repeat(1e6)}}`),
    sentence: /config\.json: .*at most 64 levels/,
  },
  // what inspects and quantizes goes on with roles that are proposed
  'an unknown architecture': {
    ...config({ model_type: 'gpt2' }, /model_type to be one of .*found "gpt2"/),
    commands: ['generate'],
  },
  'no experts': config({ num_local_experts: 0 }, /num_local_experts .*found "0"/),
  '1e9 experts': config({ num_local_experts: 1e9 }, /num_local_experts .*found "1000000000"/),
  'experts unlike the tensors': config({ num_local_experts: 5 }, /\[5,64\].*\[4,64\]/),
  'more experts a token than experts': config(
    { num_experts_per_tok: 5 },
    /at most the number of experts, 4, found 5/,
  ),
  'one expert missing': tensors(
    { [expert(2, 'w3')]: undefined },
    /experts\.2\.w3\.weight", found no such tensor/,
  ),
  'one expert too many': tensors({ [expert(4, 'w1')]: zeros(96, 64) }, /experts 0 to 3 in layer 1/),
  'a transposed expert': tensors(
    { [expert(0, 'w1')]: zeros(64, 96) },
    /\[96,64\].*found \[64,96\], its transpose/,
  ),
  'half of a fused layout': tensors(
    { 'model.layers.1.mlp.experts.gate_up_proj': zeros(4, 192, 64) },
    /one layout for the experts of layer 1/,
  ),
  'integers for weights': tensors(
    { 'lm_head.weight': { dtype: 'I8', shape: [160, 64], data: new Uint8Array(160 * 64) } },
    /"lm_head\.weight" in F32, F16 or BF16/,
  ),
  'a NaN among the weights': {
    ...tensors(
      { [expert(0, 'w1')]: { ...zeros(96, 64), data: zeros(96, 64).data.fill(0xff) } },
      /experts\.0\.w1\.weight.*found NaN at \[0, 0\]/,
    ),
    commands: ['quantize'],
  },

  'a shard that is missing': shard('b.safetensors', /a shard named "b\.safetensors" in the folder/),
  'a shard above the folder': shard('../b.safetensors', /"\.\.\/b\.safetensors"/),
  'a shard anywhere': shard('/etc/passwd', /"\/etc\/passwd"/),
  'a shard on the net': shard(
    'https://example.org/b.safetensors',
    /"https:\/\/example\.org\/b\.safetensors"/,
  ),
  'a shard that is a link out of the folder': shard(
    'b.safetensors',
    /a file inside the folder, .*found a link to .*; --allow-links follows it$/m,
    async (model) => {
      await writeFile(join(model.path, '../secret'), 'secret');
      await symlink('../secret', join(model.path, 'b.safetensors'));
    },
  ),
  'a tensor in two shards': {
    async spoil(model) {
      const [first, ...others] = Object.keys(await model.tensors());
      const places = [[first, 'a.safetensors'], ...others.map((name) => [name, 'b.safetensors'])];
      for (const copy of ['a.safetensors', 'b.safetensors']) await model.copy('model.safetensors', copy);
      await model.remove('model.safetensors');
      await model.write('model.safetensors.index.json', { weight_map: Object.fromEntries(places) });
    },
    sentence: /in one shard only, found it in/,
  },
};
