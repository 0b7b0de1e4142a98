// Tensors of a checkpoint, made from what the files store: a plain weight is one stored tensor, a quantized one several.
import type { TensorFacts } from '@moeq/quantizers';
import { decoderTensors, holdsMatrix, type TensorPlace } from '@moeq/runtime';
import { isFloatDType, MoeqError, type QuantizedTensor, quote, type Tensor } from '@moeq/tensors';
import type { Arrangement } from '../config/architecture.js';
import type { QuantizedWeight, StoredTensor } from '../files/file-set.js';
import { arranged, gatesFirst } from './arrangement.js';
import type { CheckpointTensor } from './checkpoint.js';
import { asFloat32 } from './float64.js';

/**
 * A weight as it was trained, F64 as F32.
 * @param shape that the configuration gives to its place; a vector may lie in the files as [1, N]
 * @param arrangement how it lies in the files; null: as the decoder has it
 * @throws MoeqError when its dtype is none that weights have
 */
export function plainTensor(
  found: StoredTensor,
  place: TensorPlace,
  shape: readonly number[],
  arrangement: Arrangement | null = null,
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
  const tensor = arrangement === null ? stored : arranged(stored, shape, arrangement);
  return {
    facts: { ...factsOf(tensor.name, place, shape), shape: tensor.shape },
    slot: place.slot,
    stored: stored.dtype,
    bytes: tensor.bytes,
    read: async (signal) => ({ ...(await tensor.read(signal)), shape }),
    readBytes: tensor.readBytes,
    ...(arrangement !== null && { inFiles: stored }),
  };
}

/** A tensor beside the decoder, of any dtype. */
export function otherTensor({ name, shape, dtype, bytes, read, readBytes }: StoredTensor): CheckpointTensor {
  const facts: TensorFacts = { name, role: 'other', shape };
  return { facts, slot: null, stored: dtype, bytes, read, readBytes };
}

/**
 * @param shape that the configuration gives to its place
 * @param arrangement of the plain tensor of its place; null: as the decoder has it
 * @throws MoeqError for a weight that would have to be transposed
 */
export function quantizedTensor(
  weight: QuantizedWeight,
  place: TensorPlace,
  shape: readonly number[],
  arrangement: Arrangement | null = null,
): CheckpointTensor {
  const { name, parts, format, rows } = weight;
  const [first] = parts;
  const refuse = (operation: string, expected: string, found: string) =>
    new MoeqError({ operation, subject: `${first?.file ?? ''}: ${quote(name, 120)}`, expected, found });
  if (rows === undefined && arrangement?.transposed === true)
    throw refuse('open the quantized weights', 'rows of outputs', `a transposed weight in ${format}`);
  const inTurn = rows !== 'decoder' && arrangement?.interleaved === true;
  const decode = (tensors: Readonly<Record<string, Tensor>>): QuantizedTensor =>
    inTurn ? gatesFirst(weight.decode(tensors), name) : weight.decode(tensors);
  const { isStacked = false } = weight;
  return {
    facts: factsOf(name, place, shape),
    slot: place.slot,
    stored: format,
    bytes: parts.reduce((sum, part) => sum + part.bytes, 0),
    parts,
    ...(weight.layout !== undefined && { layout: weight.layout }),
    async read(signal) {
      const tensor = decode(await readParts(parts, (part) => part.read(signal)));
      if (JSON.stringify(tensor.shape) === JSON.stringify(shape)) return tensor;
      throw refuse(
        'read a weight',
        `shape ${JSON.stringify(shape)}, as config.json says`,
        JSON.stringify(tensor.shape),
      );
    },
    readBytes: () => Promise.reject(refuse('read a part of it', 'a plain tensor', `one in ${format}`)),
    ...(isStacked &&
      shape.length === 3 && {
        readMatrix: async (expert: number, signal?: AbortSignal) =>
          decode(await readParts(parts, (part) => readOf(part, expert, signal))),
      }),
  };
}

/** By name, all at the same time. */
async function readParts(
  parts: readonly StoredTensor[],
  read: (part: StoredTensor) => Promise<Tensor>,
): Promise<Readonly<Record<string, Tensor>>> {
  const tensors = await Promise.all(parts.map(async (part) => [part.name, await read(part)] as const));
  return Object.fromEntries(tensors);
}

/** What a tensor [E, …] holds of one expert. */
async function readOf(
  { dtype, shape, bytes, readBytes }: StoredTensor,
  expert: number,
  signal?: AbortSignal,
): Promise<Tensor> {
  const [experts = 1, ...rest] = shape;
  const own = bytes / experts;
  return { dtype, shape: rest, data: await readBytes(expert * own, own, signal) };
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
