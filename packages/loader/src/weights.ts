// The runtime's view of a checkpoint: weights by their place in the decoder. Each read goes to the ranges of the files;
// what is fused or in a format without a layout is cut out or decoded on the way.
//
// Shapes: E experts, N rows, K columns, F intermediate, D hidden.
import type { MatrixData, MlpData } from '@moeq/kernels';
import type { MatrixPlace, VectorPlace, WeightReader } from '@moeq/runtime';
import {
  byteLength,
  decodeTensor,
  isDType,
  isQuantized,
  MoeqError,
  type QuantizedTensor,
  sliceMatrix,
  type Tensor,
  toFloat32,
} from '@moeq/tensors';
import type { Checkpoint, CheckpointTensor } from './checkpoint.js';
import { placeKey } from './layout-check.js';
import type { MatrixStage } from './matrix-stage.js';
import type { TensorPlace } from './names.js';
import type { Slot } from './slots.js';

export const matrixSlots: Record<Exclude<MatrixPlace['kind'], 'attention'>, Slot> = {
  embedding: 'embedding',
  head: 'head',
  router: 'router',
  sharedExpertGate: 'sharedOutputGate',
};

const biasSlots = { query: 'queryBias', key: 'keyBias', value: 'valueBias', output: 'outputBias' } as const;

export const mlpSlots = {
  dense: ['denseGate', 'denseUp', 'denseDown'],
  shared: ['sharedGate', 'sharedUp', 'sharedDown'],
} as const satisfies Record<string, readonly Slot[]>;

/** @returns the tensor at a place; null where there is none. A tied head is the embedding. */
export function tensorFinder(checkpoint: Checkpoint): (place: TensorPlace) => CheckpointTensor | null {
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
export function weightReader(checkpoint: Checkpoint, stage: MatrixStage['apply']): WeightReader {
  const look = tensorFinder(checkpoint);
  const find = (place: TensorPlace): CheckpointTensor => {
    const tensor = look(place);
    if (tensor !== null) return tensor;
    const where = place.layer === undefined ? '' : ` of layer ${place.layer}`;
    throw new MoeqError({
      operation: 'read a weight',
      subject: checkpoint.name,
      expected: `a place of the model`,
      found: `${place.slot}${where}${place.expert === undefined ? '' : `, expert ${place.expert}`}`,
    });
  };
  const matrix = async (place: TensorPlace): Promise<MatrixData> => {
    const tensor = find(place);
    return stage(await tensor.read(), tensor, place.expert);
  };
  const sliceOf = fusedReader();
  const expertMatrix = async (slot: Slot, layer: number, expert: number): Promise<MatrixData> => {
    const fused = look({ slot, layer });
    if (fused === null) return matrix({ slot, layer, expert });
    return stage(await sliceOf(fused, expert), fused, expert);
  };
  return {
    matrix: (place) =>
      place.kind === 'attention'
        ? matrix({ slot: place.projection, layer: place.layer })
        : matrix(
            'layer' in place
              ? { slot: matrixSlots[place.kind], layer: place.layer }
              : { slot: matrixSlots[place.kind] },
          ),
    async vector(place) {
      const read = await find(vectorPlace(place)).read();
      return isQuantized(read) ? decodeTensor(read) : toFloat32(read.data, read.dtype);
    },
    async expert(layer, expert): Promise<MlpData> {
      const together =
        look({ slot: 'expertGateUp', layer }) !== null ||
        look({ slot: 'expertGateUp', layer, expert }) !== null;
      const inwards: readonly Slot[] = together ? ['expertGateUp'] : ['expertGate', 'expertUp'];
      const gateUp = await Promise.all(inwards.map((slot) => expertMatrix(slot, layer, expert)));
      return { gateUp, down: await expertMatrix('expertDown', layer, expert) };
    },
    async mlp(layer, kind): Promise<MlpData> {
      const [gate, up, down] = mlpSlots[kind];
      const gateUp = await Promise.all([matrix({ slot: gate, layer }), matrix({ slot: up, layer })]);
      return { gateUp, down: await matrix({ slot: down, layer }) };
    },
  };
}

function vectorPlace(place: VectorPlace): TensorPlace {
  if (place.kind === 'finalNorm') return { slot: 'finalNorm' };
  if (place.kind === 'bias') return { slot: biasSlots[place.projection], layer: place.layer };
  return { slot: place.kind, layer: place.layer };
}

/**
 * Reads one expert's matrix [N, K] of a fused tensor [E, N, K]. Of a plain tensor only its range; a quantized tensor is
 * read once and held until another of its slot is asked for or its last expert was.
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
    const slot = held.get(tensor.slot);
    const read = slot?.tensor === tensor ? slot.read : tensor.read();
    if (expert === experts - 1) held.delete(tensor.slot);
    else held.set(tensor.slot, { tensor, read });
    return sliceMatrix(await read, expert);
  };
}
