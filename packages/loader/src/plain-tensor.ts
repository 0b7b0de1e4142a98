// A weight that the files hold as it is.
import type { Projection, TensorFacts } from '@moeq/quantizers';
import { isFloatDType, MoeqError, quote } from '@moeq/tensors';
import type { CheckpointTensor } from './checkpoint.js';
import type { TensorPlace } from './names.js';
import { type Slot, slots } from './slots.js';
import type { StoredTensor } from './stored-tensors.js';

/** @throws MoeqError when its dtype is none that weights have */
export function plainTensor(stored: StoredTensor, place: TensorPlace): CheckpointTensor {
  if (!isFloatDType(stored.dtype)) {
    throw new MoeqError({
      operation: 'open the weights',
      subject: stored.file,
      expected: `${quote(stored.name, 120)} in F32, F16 or BF16`,
      found: stored.dtype,
    });
  }
  return {
    facts: factsOf(stored.name, place, stored.shape),
    slot: place.slot,
    stored: stored.dtype,
    bytes: stored.bytes,
    files: [stored.name],
    read: stored.read,
    readBytes: stored.readBytes,
  };
}

/** A tensor as recipes see it. */
export function factsOf(name: string, place: TensorPlace, shape: readonly number[]): TensorFacts {
  const { role, projection }: { role: TensorFacts['role']; projection?: Projection } =
    slots[place.slot satisfies Slot];
  return {
    name,
    role,
    shape,
    ...(place.layer !== undefined && { layer: place.layer }),
    ...(projection !== undefined && { projection }),
    ...(place.expert !== undefined && { expert: place.expert }),
  };
}
