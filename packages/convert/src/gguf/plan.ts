// Which tensors a GGUF file will have, of which type, and which matrices of the checkpoint each is made of: experts are
// stacked, gate and up of fused experts come apart.
//
// Shapes: E experts, N rows, K columns, F intermediate.
import {
  type Checkpoint,
  type CheckpointTensor,
  ggufArchitectureOf,
  ggufNames,
  ggufPermutedHeads,
} from '@moeq/loader';
import { isMatrix, type Role } from '@moeq/quantizers';
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

/** A matrix of the checkpoint, or some rows of one. */
export interface MatrixSource {
  readonly tensor: CheckpointTensor;
  /** Of a fused tensor. */
  readonly matrix?: number;
  readonly firstRow: number;
  readonly rows: number;
  readonly columns: number;
}

export interface PlannedGgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
  readonly role: Role;
  readonly matrices: readonly MatrixSource[];
  /** Put rows in the order of llama.cpp's rotation of heads of that width. */
  readonly headDim: number | null;
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
    for (const { slot, matrix } of matricesOf(tensor)) {
      const name = ggufNames[slot].replace('{layer}', String(tensor.facts.layer));
      const group = groups.get(name) ?? { slot, matrices: [] };
      groups.set(name, group);
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
    const matrixShape = facts.shape.length === 1 ? [first.columns] : [first.rows, first.columns];
    const shape =
      facts.role === 'expert'
        ? [matrices.length, ...matrixShape]
        : slot === 'sharedOutputGate'
          ? [first.columns]
          : matrixShape;
    const type = typeOf(checkpoint, first.tensor, shape, recipe);
    assertWhole(name, type, shape);
    return {
      name,
      type,
      shape,
      role: facts.role,
      matrices,
      headDim: ggufPermutedHeads(architecture, decoder, { slot, ...(layer !== undefined && { layer }) }),
      bytesIn: matrices.reduce((sum, { tensor, rows }) => sum + (tensor.bytes * rows) / rowsIn(tensor), 0),
    };
  });
}

/** The matrices of a tensor and the slots that they have in a GGUF file. */
function* matricesOf(tensor: CheckpointTensor): Generator<{ slot: Slot; matrix: MatrixSource }> {
  const [columns = 1, rows = 1, fused] = tensor.facts.shape.toReversed();
  for (let index = 0; index < (fused ?? 1); index++) {
    const at = fused === undefined ? { tensor, columns } : { tensor, columns, matrix: index };
    const { slot } = tensor;
    if (slot === null) return;
    if (slot === 'expertGateUp') {
      yield { slot: 'expertGate', matrix: { ...at, firstRow: 0, rows: rows / 2 } };
      yield { slot: 'expertUp', matrix: { ...at, firstRow: rows / 2, rows: rows / 2 } };
    } else yield { slot, matrix: { ...at, firstRow: 0, rows } };
  }
}

/** Of all its matrices together. */
function rowsIn({ facts }: CheckpointTensor): number {
  return elementCount(facts.shape.slice(0, -1));
}

function typeOf(
  checkpoint: Checkpoint,
  { facts, stored }: CheckpointTensor,
  shape: readonly number[],
  { types }: GgufRecipe,
): GgufType {
  if (!isMatrix(facts) || shape.length === 1 || facts.role === 'router' || facts.role === 'norm')
    return ggufType('F32');
  return (
    types[facts.role] ?? (isDType(stored) && isFloatDType(stored) ? ggufType(stored) : ownType(checkpoint))
  );
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
