// The matrices and biases of an MLP, or of one expert, as a source holds them: gate and up as one or as two.
import type { MatrixData, MlpData } from '@moeq/kernels';
import { decodeTensor, isQuantized, toFloat32 } from '@moeq/tensors';
import type { DecoderConfig } from '../decoder/config.js';
import { type Slot, type TensorPosition, tensorShape } from '../decoder/decoder-tensors.js';
import { type MlpName, mlpForms } from '../decoder/mlp-tensors.js';
import type { ModelSource, WeightReader } from '../model-source.js';

type WeightSource = Pick<ModelSource, 'config' | 'weights'>;

/**
 * An MLP, or one expert, in the form in which the source holds it.
 * @param read of one slot; by default from the source
 */
export async function readMlp(
  { config, weights }: WeightSource,
  name: MlpName,
  at: TensorPosition,
  read = (slot: Slot): Promise<MatrixData> => weights.read(slot, at),
): Promise<MlpData> {
  const slots = mlpSlots(config, weights, name, at);
  const all = (list: readonly Slot[]) => Promise.all(list.map(read));
  const [gateUp, down, gateUpBias, downBias] = await Promise.all([
    all(slots.gateUp),
    read(slots.down),
    all(slots.gateUpBias),
    all(slots.downBias),
  ]);
  return {
    gateUp,
    down,
    ...(gateUpBias.length > 0 && { gateUpBias: joined(gateUpBias) }),
    ...(downBias.length > 0 && { downBias: joined(downBias) }),
  };
}

/** Vectors one after the other. */
export function joined(parts: readonly MatrixData[]): Float32Array {
  const values = parts.map((data) =>
    isQuantized(data) ? decodeTensor(data) : toFloat32(data.data, data.dtype),
  );
  const all = new Float32Array(values.reduce((total, { length }) => total + length, 0));
  let end = 0;
  for (const part of values) {
    all.set(part, end);
    end += part.length;
  }
  return all;
}

interface MlpSlots {
  readonly gateUp: readonly Slot[];
  readonly down: Slot;
  readonly gateUpBias: readonly Slot[];
  /** One, or none. */
  readonly downBias: readonly Slot[];
}

/**
 * The slots of an MLP that its configuration gives it, its input side in the form that a source holds; the first form where
 * it holds none.
 */
export function mlpSlots(
  config: DecoderConfig,
  weights: Pick<WeightReader, 'has'>,
  name: MlpName,
  at: TensorPosition,
): MlpSlots {
  const { gateUp, down, downBias } = mlpForms[name];
  const present = (slots: readonly Slot[]) =>
    slots.filter((slot) => tensorShape({ slot, ...at }, config) !== null);
  const forms = gateUp
    .map(({ matrices, biases }) => ({ gateUp: present(matrices), gateUpBias: present(biases) }))
    .filter((form) => form.gateUp.length > 0);
  const held = forms.find((form) => form.gateUp.every((slot) => weights.has(slot, at))) ?? forms[0];
  return { gateUp: [], gateUpBias: [], ...held, down, downBias: present([downBias]) };
}
