// Which tensors a GGUF file will have, of which type, and which matrices of the checkpoint each is made of: experts are
// stacked, gate and up of fused experts come apart.
//
// Shapes: E experts, N rows, K columns, F intermediate.
import {
  type Checkpoint,
  type CheckpointTensor,
  type GgufArchitecture,
  type GgufRowOrder,
  ggufArchitectureOf,
  ggufLatentUpNames,
  ggufName,
  type ggufNames,
  ggufRowOrder,
} from '@moeq/loader';
import { isMatrix, type Role } from '@moeq/quantizers';
import { layerMixer } from '@moeq/runtime';
import {
  elementCount,
  fromTorchName,
  type GgufType,
  ggufType,
  isDType,
  isFloatDType,
  MoeqError,
  quote,
} from '@moeq/tensors';
import type { GgufRecipe } from './recipe.js';

type Slot = keyof typeof ggufNames;

/** A matrix of the checkpoint, or some rows of one; a vector of an expert is a matrix of one column. */
export interface MatrixSource {
  readonly tensor: CheckpointTensor;
  /** Of a fused tensor. */
  readonly matrix?: number;
  /** Of the whole matrix. */
  readonly allRows: number;
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: number;
  /** Columns become rows. */
  readonly transposed?: boolean;
}

export interface PlannedGgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  readonly role: Role;
  readonly matrices: readonly MatrixSource[];
  /** Null where rows lie in files as in checkpoints. */
  readonly order: GgufRowOrder | null;
  /** What becomes of each number; null: it stays. */
  readonly value: ((value: number) => number) | null;
  /** Bytes of the input that it is made of. */
  readonly bytesIn: number;
}

/**
 * In the order of the checkpoint's layers, as llama.cpp's converters write them. What stands beside the decoder is left out.
 * @throws MoeqError when llama.cpp has no such architecture, or rows are no whole blocks of the type they would get
 */
export function planGguf(checkpoint: Checkpoint, recipe: GgufRecipe): PlannedGgufTensor[] {
  const { decoder } = checkpoint;
  const architecture = ggufArchitectureOf(decoder, checkpoint.name);
  const groups = new Map<string, { slot: Slot; matrices: MatrixSource[] }>();
  for (const tensor of checkpoint.tensors) {
    for (const { slot, name, matrix } of matricesOf(tensor, checkpoint, architecture)) {
      const own = name.replace('{layer}', String(tensor.facts.layer));
      const group = groups.get(own) ?? { slot, matrices: [] };
      groups.set(own, group);
      group.matrices.push(matrix);
    }
  }
  return [...groups].map(([name, { slot, matrices }]) => {
    const [first] = matrices;
    if (first === undefined) throw new Error('a group begins with a matrix');
    const { facts } = first.tensor;
    const { layer } = facts;
    // experts in their order, whatever that of the files
    matrices.sort(
      (a, b) => (a.matrix ?? a.tensor.facts.expert ?? 0) - (b.matrix ?? b.tensor.facts.expert ?? 0),
    );
    const shape = shapeOf(slot, matrices);
    const order = ggufRowOrder(architecture, decoder, { slot, ...(layer !== undefined && { layer }) });
    const type = typeOf(checkpoint, first.tensor, shape, order, recipe);
    assertWhole(name, type, shape);
    return {
      name,
      type,
      shape,
      role: facts.role,
      matrices,
      order,
      value: architecture.values?.[slot]?.toFile ?? null,
      bytesIn: matrices.reduce(
        (sum, { tensor, rows, columns }) => sum + (tensor.bytes * rows * columns) / elementsIn(tensor),
        0,
      ),
    };
  });
}

function shapeOf(slot: Slot, matrices: readonly MatrixSource[]): number[] {
  const [first] = matrices;
  if (first === undefined) return [];
  const { rows, columns, transposed = false, tensor } = first;
  const own = transposed ? [columns, rows] : [rows, columns];
  if (slot === 'sharedOutputGate') return [columns];
  if (slot === 'latentUp' && matrices.length > 1) return [matrices.length, ...own];
  const isVector = !holdsMatrix(tensor);
  if (tensor.facts.role === 'expert') return [matrices.length, ...(isVector ? [rows] : own)];
  return isVector && rows === 1 ? [columns] : own;
}

/** Of what several experts share a tensor for, what one has decides. */
function holdsMatrix({ facts }: CheckpointTensor): boolean {
  return isMatrix(facts) && facts.shape.length > 1;
}

/** The matrices of a tensor, and the slots and names that they have in a GGUF file. */
function* matricesOf(
  tensor: CheckpointTensor,
  { decoder }: Checkpoint,
  architecture: GgufArchitecture,
): Generator<{ slot: Slot; name: string; matrix: MatrixSource }> {
  const { slot, facts } = tensor;
  if (slot === null) return;
  const isExpertVector = facts.role === 'expert' && !holdsMatrix(tensor);
  // taps [C, 1, k] of a convolution by channel are rows of a matrix
  const isTaps = !isMatrix(facts) && facts.role !== 'expert' && facts.shape.length === 3;
  const flat = isTaps ? facts.shape.filter((_, axis) => axis !== 1) : facts.shape;
  const sizes = isExpertVector ? [...flat, 1] : flat;
  const [columns = 1, rows = 1, fused] = sizes.toReversed();
  const named = (own: Slot, matrix: MatrixSource, name = ggufName(own, architecture)) => ({
    slot: own,
    name,
    matrix,
  });
  for (let index = 0; index < (fused ?? 1); index++) {
    const at = { tensor, columns, allRows: rows, ...(fused !== undefined && { matrix: index }) };
    const half = rows / 2;
    if (slot === 'expertGateUp' || slot === 'expertGateUpBias' || slot === 'sharedGateUp') {
      const [gate, up] = halves[slot];
      yield named(gate, { ...at, firstRow: 0, rows: half });
      yield named(up, { ...at, firstRow: half, rows: half });
    } else if (slot === 'latentUp' && facts.layer !== undefined) {
      const layer = decoder.layers[facts.layer];
      const mixer = layer === undefined ? null : layerMixer(layer);
      if (mixer?.kind !== 'latent') return;
      const { heads, nopeDim, valueDim } = mixer;
      for (let head = 0; head < heads; head++) {
        const firstRow = head * (nopeDim + valueDim);
        yield named(slot, { ...at, firstRow, rows: nopeDim, transposed: true }, ggufLatentUpNames.keys);
        yield named(slot, { ...at, firstRow: firstRow + nopeDim, rows: valueDim }, ggufLatentUpNames.values);
      }
    } else yield named(slot, { ...at, firstRow: 0, rows });
  }
}

const halves = {
  expertGateUp: ['expertGate', 'expertUp'],
  expertGateUpBias: ['expertGateBias', 'expertUpBias'],
  sharedGateUp: ['sharedGate', 'sharedUp'],
} as const satisfies Partial<Record<Slot, readonly [Slot, Slot]>>;

/** Of all its matrices together. */
function elementsIn({ facts }: CheckpointTensor): number {
  return elementCount(facts.shape);
}

function typeOf(
  checkpoint: Checkpoint,
  { facts, stored }: CheckpointTensor,
  shape: readonly number[],
  order: GgufRowOrder | null,
  { types }: GgufRecipe,
): GgufType {
  if (!isMatrix(facts) || shape.length === 1 || facts.role === 'router' || facts.role === 'norm')
    return ggufType('F32');
  const asked = types[facts.role];
  // never quantized again: the same codes in the order of llama.cpp
  if (stored === 'mxfp4' && order === null && (asked === undefined || typeof asked.content !== 'string'))
    return ggufType('MXFP4');
  return asked ?? (isDType(stored) && isFloatDType(stored) ? ggufType(stored) : ownType(checkpoint));
}

/** What weights are kept in that the checkpoint has quantized: the dtype that the model was made in. */
function ownType({ config: { dtype, torch_dtype: older } }: Checkpoint): GgufType {
  return ggufType(fromTorchName(dtype ?? older) ?? 'BF16');
}

function assertWhole(name: string, { name: type, blockLength }: GgufType, shape: readonly number[]): void {
  const columns = shape.at(-1) ?? 1;
  if (columns % blockLength === 0) return;
  throw new MoeqError({
    operation: 'write as GGUF',
    subject: `tensor ${quote(name)}`,
    expected: `rows of whole blocks of ${blockLength} for ${type}`,
    found: `rows of ${columns} elements`,
  });
}
