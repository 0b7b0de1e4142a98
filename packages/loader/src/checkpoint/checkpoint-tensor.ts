// Tensors of a checkpoint, made from what the files store: a plain weight is one stored tensor, a quantized one several.
import type { TensorFacts } from '@moeq/quantizers';
import { decoderTensors, holdsMatrix, type TensorPlace } from '@moeq/runtime';
import { isFloatDType, MoeqError, quote, type Tensor } from '@moeq/tensors';
import type { QuantizedWeight, StoredTensor } from '../files/file-set.js';
import type { CheckpointTensor } from './checkpoint.js';
import { asFloat32 } from './float64.js';

/**
 * A weight as it was trained, F64 as F32.
 * @param shape that the configuration gives to its place; a vector may lie in the files as [1, N]
 * @throws MoeqError when its dtype is none that weights have
 */
export function plainTensor(
  found: StoredTensor,
  place: TensorPlace,
  shape: readonly number[],
): CheckpointTensor {
  const stored = found.dtype === 'F64' ? asFloat32(found) : found;
  if (!isFloatDType(stored.dtype)) {
    const expected = `${quote(stored.name, 120)} in F32, F16 or BF16, or a quantization_config that explains it`;
    throw new MoeqError({
      operation: 'open the weights',
      subject: stored.file,
      expected,
      found: stored.dtype,
    });
  }
  return {
    facts: { ...factsOf(stored.name, place, shape), shape: stored.shape },
    slot: place.slot,
    stored: stored.dtype,
    bytes: stored.bytes,
    read: async (signal) => ({ ...(await stored.read(signal)), shape }),
    readBytes: stored.readBytes,
  };
}

/** A tensor beside the decoder, of any dtype. */
export function otherTensor({ name, shape, dtype, bytes, read, readBytes }: StoredTensor): CheckpointTensor {
  const facts: TensorFacts = { name, role: 'other', shape };
  return { facts, slot: null, stored: dtype, bytes, read, readBytes };
}

/** @param shape that the configuration gives to its place */
export function quantizedTensor(
  weight: QuantizedWeight,
  place: TensorPlace,
  shape: readonly number[],
): CheckpointTensor {
  const { name, parts, format } = weight;
  const [first] = parts;
  const refuse = (operation: string, expected: string, found: string) =>
    new MoeqError({ operation, subject: `${first?.file ?? ''}: ${quote(name, 120)}`, expected, found });
  return {
    facts: factsOf(name, place, shape),
    slot: place.slot,
    stored: format,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    ...(weight.layout !== undefined && { layout: weight.layout }),
    async read(signal) {
      const tensors: Record<string, Tensor> = {};
      for (const part of parts) tensors[part.name] = await part.read(signal);
      const tensor = weight.decode(tensors);
      if (JSON.stringify(tensor.shape) === JSON.stringify(shape)) return tensor;
      throw refuse(
        'read a weight',
        `shape ${JSON.stringify(shape)}, as config.json says`,
        JSON.stringify(tensor.shape),
      );
    },
    readBytes: () => Promise.reject(refuse('read a part of it', 'a plain tensor', `one in ${format}`)),
  };
}

/** A tensor as recipes see it. */
function factsOf(name: string, place: TensorPlace, shape: readonly number[]): TensorFacts {
  const { role, projection } = decoderTensors[place.slot];
  return {
    name,
    role,
    shape,
    isMatrix: holdsMatrix(place, shape.length),
    ...(place.layer !== undefined && { layer: place.layer }),
    ...(projection !== undefined && { projection }),
    ...(place.expert !== undefined && { expert: place.expert }),
  };
}
