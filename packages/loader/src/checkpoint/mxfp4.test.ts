// gpt-oss in MXFP4 as it is published, against transformers on the decoded weights: the codes run as they are.
import { readFileSync } from 'node:fs';
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import { isQuantized, type QuantizedTensor, type Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { FileSet } from '../files/file-set.js';
import { openModelFiles } from '../model-source.js';
import { largestDifference, quantizedPath, Reference, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { openCheckpoint } from './open-checkpoint.js';

const path = quantizedPath('gpt_oss_mxfp4');
const tensors = await readTensors(`${path}/model.safetensors`);
const reference = await Reference.open(`${path}/reference.safetensors`);
const config = quantizedConfig('config.json');
const files = checkpointFiles(config, tensors);
const gateUp = 'model.layers.0.mlp.experts.gate_up_proj';

describe.each(['config.json', 'config.hub.json'])('%s', (file) => {
  test('logits, experts and greedy text of transformers', async () => {
    const source = await openModelFiles(checkpointFiles(quantizedConfig(file), tensors));
    const model = await createModel(source, { backend: referenceBackend() });
    const [sequences = 0, length = 0] = reference.shape('input_ids');
    const ids = reference.integers('input_ids');
    for (let sequence = 0; sequence < sequences; sequence++) {
      const { logits } = await model.logits([...ids.subarray(sequence * length, (sequence + 1) * length)]);
      const expected = reference
        .floats('logits')
        .subarray(sequence * logits.length, (sequence + 1) * logits.length);
      expect(largestDifference(logits, expected)).toBeLessThan(2e-3);
    }
    const prompt = [...reference.integers('generate_prompt')];
    const output = [...reference.integers('generate_output')];
    const { tokenIds } = await model.complete(prompt, {
      temperature: 0,
      stopTokenIds: [],
      maxNewTokens: output.length - prompt.length,
    });
    expect([...prompt, ...tokenIds]).toEqual(output);
    await model.close();

    const experts = source.report().tensors.filter(({ role }) => role === 'expert');
    const matrices = experts.filter(({ name }) => !name.endsWith('bias'));
    expect(matrices.map(({ stored, loaded }) => [stored, loaded])).toEqual(Array(4).fill(['mxfp4', 'mxfp4']));
    expect(matrices.map(({ bytes }) => bytes.loaded)).toEqual(matrices.map(({ bytes }) => bytes.stored));
    expect(source.report().notices).toEqual([]);
  });
});

test('an expert is read by itself, gates above ups, the bytes of the files', async () => {
  const ranges: [name: string, length: number][] = [];
  const checkpoint = await openCheckpoint(watched(files, ranges));
  const tensor = checkpoint.tensors.find(({ facts }) => facts.name === gateUp);
  ranges.length = 0;
  const matrix = (await tensor?.readMatrix?.(3)) as QuantizedTensor;
  const [blocks, scales] = [tensors.get(`${gateUp}_blocks`), tensors.get(`${gateUp}_scales`)] as [
    Tensor,
    Tensor,
  ];
  const [experts = 0, rows = 0] = scales.shape;
  expect(ranges.map(([, length]) => length)).toEqual([
    blocks.data.byteLength / experts,
    scales.data.byteLength / experts,
  ]);
  expect([matrix.shape, matrix.layout?.scale]).toEqual([
    [rows, 64],
    { kind: 'plain', dtype: 'F8_E8M0', multiplier: 1 },
  ]);
  const rowOf = (data: Uint8Array, count: number, row: number) => [
    ...data.subarray((row * data.byteLength) / count, ((row + 1) * data.byteLength) / count),
  ];
  for (const [plane, stored] of [
    ['codes', blocks],
    ['scales', scales],
  ] as const) {
    const data = matrix.planes[plane]?.data as Uint8Array;
    for (let row = 0; row < rows; row++) {
      const inFile = row < rows / 2 ? 2 * row : 2 * (row - rows / 2) + 1;
      expect(rowOf(data, rows, row)).toEqual(rowOf(stored.data, experts * rows, 3 * rows + inFile));
    }
  }
  const whole = await tensor?.read();
  if (whole === undefined || !isQuantized(whole)) throw new Error('it is not quantized');
  const codes = whole.planes['codes']?.data as Uint8Array;
  expect(codes.subarray((3 * codes.byteLength) / experts, (4 * codes.byteLength) / experts)).toEqual(
    matrix.planes['codes']?.data,
  );
  await checkpoint.close();
});

describe('refused, by name', () => {
  const changed = (change: (tensors: Map<string, Tensor>) => void, own: object = config) => {
    const copy = new Map(tensors);
    change(copy);
    return checkpointFiles(own, copy);
  };
  test.each<[string, FileSet, RegExp]>([
    [
      'no scales',
      changed((all) => void all.delete(`${gateUp}_scales`)),
      /tensor "model\.layers\.0\.mlp\.experts\.gate_up_proj_scales", found no such tensor/,
    ],
    [
      'blocks of fewer experts than config.json has',
      changed((all) => {
        for (const part of [`${gateUp}_blocks`, `${gateUp}_scales`]) {
          const { dtype, shape, data } = all.get(part) as Tensor;
          const half = data.subarray(0, data.byteLength / 2);
          all.set(part, { dtype, shape: [4, ...shape.slice(1)], data: half });
        }
      }),
      /gate_up_proj" with shape \[8,128,64\], as config\.json says, found \[4,128,64\]/,
    ],
    [
      'blocks without a quantization_config',
      changed(() => undefined, { ...config, quantization_config: null }),
      /gate_up_proj|down_proj/,
    ],
  ])('%s', async (_, set, message) => {
    await expect(openCheckpoint(set)).rejects.toThrow(message);
  });

  test('weights that are to be quantized again', async () => {
    const source = await openModelFiles(files, { recipe: 'nf4' });
    await expect(createModel(source, { backend: referenceBackend() })).rejects.toThrow(
      /plain weights to make nf4-dq of, found weights in mxfp4 already/,
    );
  });
});

function quantizedConfig(file: string): Record<string, unknown> {
  return JSON.parse(readFileSync(`${path}/${file}`, 'utf8')) as Record<string, unknown>;
}

/** The same files; ranges that are read of them are noted. */
function watched(set: FileSet, ranges: [name: string, length: number][]): FileSet {
  return {
    ...set,
    async open(name) {
      const source = await set.open(name);
      if (source === null) return null;
      return {
        ...source,
        read(offset, length, signal, into) {
          ranges.push([name, length]);
          return source.read(offset, length, signal, into);
        },
      };
    },
  };
}
