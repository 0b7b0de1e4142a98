// A checkpoint of an architecture that is not known, with roles that a person has confirmed: its tensors can be read and
// quantized; it has no decoder and cannot be run.
import type { DecoderConfig } from '@moeq/runtime';
import { isFloatDType, MoeqError, quote } from '@moeq/tensors';
import type { Checkpoint, CheckpointTensor } from '../checkpoint/checkpoint.js';
import { openStoredTensors } from '../checkpoint/stored-tensors.js';
import type { FileSet, StoredTensor } from '../files/file-set.js';
import { numbersOf, patternOf } from './name-pattern.js';
import type { TensorRoles } from './roles-file.js';

interface ByRoles {
  readonly files: FileSet;
  readonly config: Readonly<Record<string, unknown>>;
  /** Name of the config, for messages. */
  readonly file: string;
  readonly roles: TensorRoles;
  /** Why the model cannot be run. */
  readonly refusal: MoeqError;
}

/** @throws MoeqError for roles of another model type, of tensors that are not there, or for tensors without one */
export async function openByRoles({ files, config, file, roles, refusal }: ByRoles): Promise<Checkpoint> {
  const fail = (subject: string, expected: string, found: string): never => {
    throw new MoeqError({ operation: 'apply the roles', subject, expected, found });
  };
  const { model_type: modelType, quantization_config: quantization } = config;
  if (modelType !== roles.model_type)
    fail(file, `model_type ${quote(roles.model_type)}, as the roles say`, quote(modelType ?? 'none'));
  if (quantization != null) fail(file, 'plain weights, where roles are given', 'a quantization_config');
  const { tensors: stored, close } = await openStoredTensors(files);
  try {
    const patterns = new Set([...stored.keys()].map(patternOf));
    const missing = [...patterns].find((pattern) => !Object.hasOwn(roles.roles, pattern));
    if (missing !== undefined) fail(files.name, `a role of ${quote(missing, 200)}`, 'none');
    const left = Object.keys(roles.roles).find((pattern) => !patterns.has(pattern));
    if (left !== undefined) fail(files.name, `tensors ${quote(left, 200)}, as the roles say`, 'none');
    const tensors = [...stored.values()].map((tensor) => tensorOf(tensor, roles));
    return {
      name: files.name,
      files,
      config,
      textConfig: config,
      decoder: undecoded(roles.model_type),
      refusal,
      tensors,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function tensorOf(
  { name, shape, dtype, bytes, file, read, readBytes }: StoredTensor,
  { roles }: TensorRoles,
): CheckpointTensor {
  const role = roles[patternOf(name)] ?? 'other';
  if (role !== 'other' && !isFloatDType(dtype)) {
    const expected = `${quote(name, 120)} in F32, F16 or BF16, or the role other`;
    throw new MoeqError({
      operation: 'apply the roles',
      subject: file,
      expected,
      found: `${dtype} as ${role}`,
    });
  }
  const { layer, expert } = numbersOf(name);
  const facts = {
    name,
    role,
    shape,
    isMatrix: holdsMatrices(name, shape),
    ...(layer !== undefined && { layer }),
    ...(expert !== undefined && { expert }),
  };
  return { facts, slot: null, stored: dtype, bytes, read, readBytes };
}

/** [N, K], or several [E, N, K]; biases of experts [E, N] are vectors. */
function holdsMatrices(name: string, shape: readonly number[]): boolean {
  return (shape.length === 2 || shape.length === 3) && !/bias(?:es)?$/.test(name);
}

/** A decoder of no layers, for what asks for its name only. */
function undecoded(architecture: string): DecoderConfig {
  return {
    architecture,
    vocabularySize: 0,
    hiddenSize: 0,
    layers: [],
    contextLength: 0,
    norm: { kind: 'rms', epsilon: 0, weight: 'plain', bias: false },
    embeddingScale: 1,
    logitsScale: 1,
    tiedHead: false,
    headBias: false,
  };
}
