// Logits of a checkpoint in memory, by the reference backend.
import { referenceBackend } from '@moeq/kernels';
import { createModel } from '@moeq/runtime';
import type { Tensor } from '@moeq/tensors';
import { openModelFiles } from '../model-source.js';
import { checkpointFiles } from './memory-files.js';

/** Of six token ids: Float32 [6, V] */
export async function logitsOf(config: object, tensors: ReadonlyMap<string, Tensor>): Promise<Float32Array> {
  const source = await openModelFiles(checkpointFiles(config, tensors));
  const model = await createModel(source, { backend: referenceBackend() });
  const { logits } = await model.logits([7, 11, 13, 17, 19, 23]);
  await model.close();
  await source.close();
  return logits;
}
