// Numbers that lie in GGUF files as other numbers than in checkpoints, such as decays of states and norms less one.
import type { Slot } from '@moeq/runtime';
import { fromFloat32, isFloatDType, toFloat32 } from '@moeq/tensors';
import type { StoredTensor } from '../files/file-set.js';
import type { GgufArchitecture } from './architecture.js';
import { computedTensor } from './computed.js';

/** A plain tensor with the numbers of a checkpoint, F32; itself where the architecture has no other numbers for it. */
export function inCheckpointForm(
  stored: StoredTensor,
  slot: Slot,
  { values }: Pick<GgufArchitecture, 'values'>,
): StoredTensor {
  const form = values?.[slot];
  const { dtype } = stored;
  if (form === undefined || !isFloatDType(dtype)) return stored;
  const readAll = async (signal?: AbortSignal) => {
    const { data } = await stored.read(signal);
    return fromFloat32(toFloat32(data, dtype).map(form.fromFile), 'F32');
  };
  return computedTensor({ ...stored, dtype: 'F32' }, readAll);
}
