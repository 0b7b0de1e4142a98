// Weights to fit to, or to measure on: the expert matrices of a model, as float32.
import { openModel } from '@moeq/loader/node';
import { isFloatDType, isQuantized, toFloat32 } from '@moeq/tensors';

export interface Matrix {
  /** Float32 [rows, columns] */
  readonly weights: Float32Array;
  readonly shape: readonly [rows: number, columns: number];
}

/**
 * The experts' matrices, one tensor an expert and projection.
 * @param count as many at most
 */
export async function expertMatrices(model: string, count = 9): Promise<Matrix[]> {
  const source = await openModel(model);
  const matrices: Matrix[] = [];
  for (const { facts, read } of source.checkpoint.tensors) {
    if (facts.role !== 'expert' || matrices.length === count) continue;
    const tensor = await read();
    const [rows = 0, columns = 0] = facts.shape.slice(-2);
    if (isQuantized(tensor) || !isFloatDType(tensor.dtype)) continue;
    matrices.push({
      weights: toFloat32(tensor.data, tensor.dtype).slice(0, rows * columns),
      shape: [rows, columns],
    });
  }
  await source.close();
  return matrices;
}
