// What layers read besides the hidden state [T, D]: activations of a width of their own, made of the token ids and the embeddings
// of a step before its first layer, that every layer is given. How a kind of them is loaded and made is known to its own file
// alone; a block reads them by kind.
//
// Shapes: T tokens of the step, D hidden, N rows, K columns, W columns of what is carried.
import type { Activations, RowNormSpec, Step, Weight } from '@moeq/kernels';
import { MoeqError, type Role } from '@moeq/tensors';

/** `layerInputs`: a row for each layer, made before the first. */
export type CarriedKind = 'layerInputs';

/** Activations of a step [T, W], by kind; those that the decoder does not have are absent. */
export type Carried = Readonly<Partial<Record<CarriedKind, Activations>>>;

/** What a decoder carries depends on. */
export interface DecoderSizes {
  /** D */
  readonly hidden: number;
  readonly layers: number;
  /** Of the final norm. */
  readonly epsilon: number;
}

/**
 * Issues the operations that make what is carried.
 * @param x embeddings [T, D], times their factor; they stay as they are
 */
export type MakeCarried = (step: Step, ids: Int32Array, x: Activations) => Activations; // [T, W]

/** Weights of the model by slot, checked against the table of tensors, into a backend's memory. */
export interface ModelLoader<Slot extends string> {
  /** One weight [N, K]. */
  matrix(slots: readonly Slot[]): Promise<Weight>;
  /** Of `count` parts of a row, each with the weights of one norm, what they give times `factor`. */
  normOfParts(slot: Slot, count: number, epsilon: number, factor: number): Promise<RowNormSpec>;
}

/** A tensor of a model that carries something. */
export interface CarriedTensor<Config> {
  readonly role: Role;
  /** [N, K] of a matrix, [N] of a vector. */
  shape(config: Config, sizes: DecoderSizes): readonly number[];
}

/** A kind of what is carried: its tensors, how it is loaded and made, and what it takes. */
export interface CarriedState<Config, Slot extends string> {
  readonly tensors: Readonly<Record<Slot, CarriedTensor<Config>>>;
  /** Slots of tensors that are loaded as one weight or vector, once for each time that they are in it. */
  parts(config: Config, sizes: DecoderSizes): readonly (readonly Slot[])[];
  load(loader: ModelLoader<Slot>, config: Config, sizes: DecoderSizes): Promise<MakeCarried>;
  /** W */
  columns(config: Config, sizes: DecoderSizes): number;
  /** Numbers of activations of a token, all that a step may hold at once. */
  activationsPerToken(config: Config, sizes: DecoderSizes): number;
}

/** @throws MoeqError where the decoder carries nothing of the kind that a layer reads */
export function carriedOfKind(carried: Carried, kind: CarriedKind): Activations {
  const { [kind]: found } = carried;
  if (found !== undefined) return found;
  throw new MoeqError({
    operation: 'run a layer',
    subject: 'what the decoder carries',
    expected: kind,
    found: Object.keys(carried).join(', ') || 'nothing',
  });
}
