// What headers say of each weight is what reading it gives: dtype, shape, and a layout of the same planes.
import { headOf, type MatrixHead } from '@moeq/kernels';
import { doubleQuant, fp4, int4, int8, nf4, type Quantizer } from '@moeq/quantizers';
import { decoderPlaces, describePlace, holdsMatrix, tensorShape } from '@moeq/runtime';
import { planeSpecs } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import { type OpenedModel, openModelFiles } from '../model-source.js';
import { goldenConfig, goldenNames, goldenPath, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { fuseMixtral, quantizeExperts } from '../testkit/quantized.js';

/** What decides how much memory a matrix takes: not the numbers of its tables. */
function sizes({ shape, dtype, layout }: MatrixHead): unknown {
  if (layout === undefined) return { shape, dtype };
  const { bitsPerCode, order, blockSize, blocks, decode, scale } = layout;
  const [rows = 0, columns = 0] = shape;
  const planes = planeSpecs(layout, [rows, columns]);
  return { shape, bitsPerCode, order, blockSize, blocks, decode: decode.kind, scale: scale.kind, planes };
}

async function expectSame(source: OpenedModel): Promise<number> {
  const { config, weights, heads } = source;
  let compared = 0;
  for (const { slot, ...at } of decoderPlaces(config)) {
    expect(heads.has(slot, at), slot).toBe(weights.has(slot, at));
    const axes = tensorShape({ slot, ...at }, config)?.length ?? 0;
    if (!holdsMatrix({ slot, ...at }, axes) || !heads.has(slot, at)) continue;
    const [head, data] = [heads.head(slot, at), await weights.read(slot, at)];
    expect(head === null ? head : sizes(head), describePlace({ slot, ...at })).toEqual(sizes(headOf(data)));
    compared++;
  }
  return compared;
}

describe.each(goldenNames)('%s', (name) => {
  test.each([undefined, 'nf4', 'int4', 'int8', 'mixed', 'nf4-all'])('recipe %s', async (recipe) => {
    const files = checkpointFiles(
      goldenConfig(name),
      await readTensors(`${goldenPath(name)}/model.safetensors`),
    );
    const source = await openModelFiles(files, recipe === undefined ? {} : { recipe });
    expect(await expectSame(source)).toBeGreaterThan(20);
    const plain = await openModelFiles(files);
    const first = { layer: 0, expert: 0 };
    if (recipe !== undefined)
      expect(plain.headsBy(recipe).head('expertDown', first)).toEqual(source.heads.head('expertDown', first));
  });
});

const config = goldenConfig('mixtral');
const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);

test('fused experts', async () => {
  expect(
    await expectSame(await openModelFiles(checkpointFiles(config, fuseMixtral(tensors, 4)))),
  ).toBeGreaterThan(20);
});

const stored: readonly [name: string, quantizer: Quantizer, form: 'bitsandbytes' | 'moeq'][] = [
  ['nf4', nf4(), 'bitsandbytes'],
  ['nf4 in blocks of 128', nf4({ blockSize: 128 }), 'bitsandbytes'],
  ['fp4-dq', doubleQuant(fp4()), 'bitsandbytes'],
  ['int8', int8(), 'bitsandbytes'],
  ['int4', int4(), 'moeq'],
  ['nf4-dq', doubleQuant(nf4({ blockSize: 32 }), { blockSize: 64 }), 'moeq'],
];

test.each(stored)('%s, stored', async (_, quantizer, form) => {
  const made = quantizeExperts(tensors, config, quantizer, form);
  expect(await expectSame(await openModelFiles(checkpointFiles(made.config, made.tensors)))).toBeGreaterThan(
    20,
  );
});
