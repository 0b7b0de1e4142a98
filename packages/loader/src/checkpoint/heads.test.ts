// Head and embedding: what the files hold wins over what config.json says of tying. References are the numbers of the same
// checkpoint with a head of its own, or with the embedding for its head.
import { referenceBackend } from '@moeq/kernels';
import { nf4 } from '@moeq/quantizers';
import { createModel } from '@moeq/runtime';
import type { Tensor } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { FileSet } from '../files/file-set.js';
import { openModelFiles } from '../model-source.js';
import { goldenConfig, goldenPath, readTensors } from '../testkit/golden.js';
import { checkpointFiles } from '../testkit/memory-files.js';
import { quantizeExperts } from '../testkit/quantized.js';
import { openCheckpoint } from './open-checkpoint.js';

const headName = 'lm_head.weight';
const embeddingName = 'model.embed_tokens.weight';
const ids = [7, 11, 13, 17, 19, 23];
const config = goldenConfig('mixtral');
const tied = { ...config, tie_word_embeddings: true };
const tensors = await readTensors(`${goldenPath('mixtral')}/model.safetensors`);
const embedding = tensors.get(embeddingName) as Tensor;
const head = tensors.get(headName) as Tensor;

const without = (...names: string[]) => new Map([...tensors].filter(([name]) => !names.includes(name)));

async function logits(files: FileSet): Promise<Float32Array> {
  const source = await openModelFiles(files);
  const model = await createModel(source, { backend: referenceBackend() });
  const { logits: result } = await model.logits(ids);
  await model.close();
  await source.close();
  return result;
}

const untied = await logits(checkpointFiles(config, tensors));
const withEmbeddingAsHead = await logits(
  checkpointFiles(config, new Map([...tensors, [headName, embedding]])),
);

describe('tie_word_embeddings', () => {
  test('a head in the file that differs from the embedding is the head', async () => {
    const files = checkpointFiles(tied, tensors);
    expect(await logits(files)).toEqual(untied);
    const { decoder, tensors: found } = await openCheckpoint(files);
    expect(decoder.tiedHead).toBe(false);
    expect(found.map(({ facts }) => facts.role).filter((role) => role === 'head')).toHaveLength(1);
  });

  test('the embedding alone is both', async () => {
    const files = checkpointFiles(tied, without(headName));
    expect(await logits(files)).toEqual(withEmbeddingAsHead);
    expect((await openCheckpoint(files)).decoder.tiedHead).toBe(true);
  });

  test('a matrix under the name of the head alone is both, and the embedding by role', async () => {
    const files = checkpointFiles(tied, new Map([...without(embeddingName), [headName, embedding]]));
    expect(await logits(files)).toEqual(withEmbeddingAsHead);
    const { decoder, tensors: found } = await openCheckpoint(files);
    expect(decoder.tiedHead).toBe(true);
    expect(found.find(({ facts }) => facts.name === headName)).toMatchObject({
      slot: 'embedding',
      facts: { role: 'embedding' },
    });
  });

  test.each([false, null, undefined])('%s: both have to be there', async (value) => {
    const own = { ...config, tie_word_embeddings: value };
    await expect(openCheckpoint(checkpointFiles(own, without(headName)))).rejects.toThrow(
      /expected tensor "lm_head\.weight", found no such tensor/,
    );
    await expect(openCheckpoint(checkpointFiles(own, without(embeddingName)))).rejects.toThrow(
      /expected tensor "model\.embed_tokens\.weight", found no such tensor/,
    );
  });

  test('neither is an error', async () => {
    await expect(openCheckpoint(checkpointFiles(tied, without(headName, embeddingName)))).rejects.toThrow(
      /expected tensor "model\.embed_tokens\.weight", found no such tensor/,
    );
  });

  test.each(['bitsandbytes', 'moeq'] as const)(
    'a quantized head in the form of %s is the head',
    async (form) => {
      // an expert by its name for the test kit, the head by its name in the file
      const alias = 'model.layers.0.block_sparse_moe.experts.0.w1.weight';
      const made = quantizeExperts(new Map([[alias, head]]), config, nf4(), form);
      const parts = [...made.tensors].map(
        ([name, tensor]) => [name.replace(alias, headName), tensor] as const,
      );
      const block = JSON.parse(JSON.stringify(made.config).replaceAll(alias, headName)) as object;
      const files = (tie: boolean) =>
        checkpointFiles({ ...block, tie_word_embeddings: tie }, new Map([...without(headName), ...parts]));
      const own = await logits(files(false));
      expect(await logits(files(true))).toEqual(own);
      expect(own).not.toEqual(withEmbeddingAsHead);
      expect((await openCheckpoint(files(true))).decoder.tiedHead).toBe(false);
    },
  );
});

test('names without the prefix of the class that has the head', async () => {
  const bare = new Map([...tensors].map(([name, tensor]) => [name.replace(/^model\./, ''), tensor]));
  expect(await logits(checkpointFiles(config, bare))).toEqual(untied);
  const twice = checkpointFiles(
    config,
    new Map([...tensors, ['norm.weight', tensors.get('model.norm.weight') as Tensor]]),
  );
  await expect(openCheckpoint(twice)).rejects.toThrow(/one tensor as finalNorm of its layer/);
});
