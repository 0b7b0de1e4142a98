// A set of files as a checkpoint: config.json gives the architecture and the shapes, the headers of the weights give the
// tensors, and each tensor gets its place. No weight is read here.
import type { DecoderConfig } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import type { Architecture } from './architecture.js';
import { findArchitecture } from './architectures.js';
import type { Checkpoint, CheckpointTensor, FileSet } from './checkpoint.js';
import { inSet, MAX_CONFIG_BYTES, readJsonObject } from './json.js';
import { assertComplete, assertPlace, placeKey } from './layout-check.js';
import { placeFinder } from './names.js';
import { plainTensor } from './plain-tensor.js';
import { openStoredTensors, type StoredTensor } from './stored-tensors.js';

/**
 * Opens and checks a checkpoint. Close it when done.
 * @throws MoeqError naming file, tensor or field, what was expected and what was found, when anything does not fit
 */
export async function openCheckpoint(files: FileSet): Promise<Checkpoint> {
  const file = inSet(files, 'config.json');
  const config = await readJsonObject(files, 'config.json', MAX_CONFIG_BYTES);
  if (config === null) {
    throw new MoeqError({
      operation: 'open the model',
      subject: files.name,
      expected: 'a config.json',
      found: 'none',
    });
  }
  const architecture = findArchitecture(config, file);
  const decoder = architecture.decoder(config, file);
  const stored = await openStoredTensors(files);
  try {
    const tensors = place([...stored.tensors.values()], architecture, decoder, files.name);
    return { name: files.name, files, config, decoder, tensors, close: stored.close };
  } catch (error) {
    await stored.close();
    throw error;
  }
}

/** Every tensor at its place, every place of the decoder filled. */
function place(
  stored: readonly StoredTensor[],
  architecture: Architecture,
  decoder: DecoderConfig,
  model: string,
): CheckpointTensor[] {
  const placeOf = placeFinder(architecture);
  const names = new Map<string, string>();
  const tensors = stored.map((tensor) => {
    const at = placeOf(tensor.name);
    if (at === null) throw unknownTensor(tensor, decoder);
    assertPlace(tensor.name, at, tensor.shape, decoder, tensor.file);
    const key = placeKey(at);
    const other = names.get(key);
    if (other !== undefined) {
      throw new MoeqError({
        operation: 'match the tensors to the configuration',
        subject: tensor.file,
        expected: `one tensor as ${at.slot} of its layer`,
        found: `${quote(other, 120)} and ${quote(tensor.name, 120)}`,
      });
    }
    names.set(key, tensor.name);
    return plainTensor(tensor, at);
  });
  assertComplete(names, decoder, architecture, model);
  return tensors;
}

function unknownTensor({ name, file }: StoredTensor, { architecture }: DecoderConfig): MoeqError {
  return new MoeqError({
    operation: 'match the tensors to the configuration',
    subject: file,
    expected: `only tensors that ${architecture} has`,
    found: quote(name, 120),
  });
}
