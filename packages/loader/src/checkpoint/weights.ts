// The runtime's view of a checkpoint: weights by slot and position. Each read goes to the ranges of the files;
// what is fused or in a format without a layout is cut out or decoded on the way.
//
// Shapes: E experts, N rows, K columns, F intermediate, D hidden.
import { isMatrix } from '@moeq/quantizers';
import { describePlace, type TensorPlace, type WeightReader } from '@moeq/runtime';
import {
  byteLength,
  isDType,
  MoeqError,
  type QuantizedTensor,
  sliceMatrix,
  type Tensor,
} from '@moeq/tensors';
import type { Checkpoint, CheckpointTensor } from './checkpoint.js';
import { placeKey } from './layout-check.js';
import type { MatrixStage } from './matrix-stage.js';

/** What is asked of a checkpoint here. */
type WeightsOf = Pick<Checkpoint, 'name' | 'tensors'> & {
  readonly decoder: Pick<Checkpoint['decoder'], 'tiedHead'>;
};

/** @returns the tensor at a place; null where there is none. A tied head is the embedding. */
export function tensorFinder(checkpoint: WeightsOf): (place: TensorPlace) => CheckpointTensor | null {
  const byPlace = new Map<string, CheckpointTensor>();
  for (const tensor of checkpoint.tensors) {
    const { slot } = tensor;
    if (slot === null) continue;
    const { layer, expert } = tensor.facts;
    byPlace.set(
      placeKey({
        slot,
        ...(layer !== undefined && { layer }),
        ...(expert !== undefined && { expert }),
      }),
      tensor,
    );
  }
  // also for those who compare with a model that has two matrices
  const { tiedHead } = checkpoint.decoder;
  return (place) =>
    byPlace.get(placeKey(place.slot === 'head' && tiedHead ? { slot: 'embedding' } : place)) ?? null;
}

/**
 * @param stage what every matrix passes through, vectors excepted
 * @returns a reader whose methods throw a MoeqError for a place that the checkpoint does not have
 */
export function weightReader(checkpoint: WeightsOf, stage: MatrixStage['apply']): WeightReader {
  const look = tensorFinder(checkpoint);
  const find = (place: TensorPlace): CheckpointTensor => {
    const tensor = look(place);
    if (tensor !== null) return tensor;
    throw new MoeqError({
      operation: 'read a weight',
      subject: checkpoint.name,
      expected: 'a tensor of the model',
      found: describePlace(place),
    });
  };
  const sliceOf = fusedReader();
  const fusedOf = ({ slot, layer, expert }: TensorPlace) =>
    layer === undefined || expert === undefined ? null : look({ slot, layer });
  return {
    has(slot, at = {}) {
      const place = { slot, ...at };
      return look(place) !== null || fusedOf(place) !== null;
    },
    async read(slot, at = {}) {
      const place = { slot, ...at };
      const fused = fusedOf(place);
      const tensor = fused ?? find(place);
      const data =
        fused !== null && at.expert !== undefined ? await sliceOf(fused, at.expert) : await tensor.read();
      return isMatrix(tensor.facts) ? stage(data, tensor, at.expert) : data;
    },
  };
}

/**
 * Reads one expert's matrix [N, K] of a fused tensor [E, N, K], or its vector [N] of [E, N]. Of a plain tensor only its range;
 * a quantized tensor is read once and held until another of its slot is asked for or its last expert was.
 */
function fusedReader(): (tensor: CheckpointTensor, expert: number) => Promise<Tensor | QuantizedTensor> {
  const held = new Map<
    CheckpointTensor['slot'],
    { tensor: CheckpointTensor; read: Promise<Tensor | QuantizedTensor> }
  >();
  return async (tensor, expert) => {
    const [experts = 0, ...shape] = tensor.facts.shape;
    const { stored } = tensor;
    if (isDType(stored)) {
      const bytes = byteLength(stored, shape);
      return { dtype: stored, shape, data: await tensor.readBytes(expert * bytes, bytes) };
    }
    if (tensor.readMatrix !== undefined) return tensor.readMatrix(expert);
    const slot = held.get(tensor.slot);
    const read = slot?.tensor === tensor ? slot.read : tensor.read();
    if (expert === experts - 1) held.delete(tensor.slot);
    else held.set(tensor.slot, { tensor, read });
    return sliceMatrix(await read, expert);
  };
}
