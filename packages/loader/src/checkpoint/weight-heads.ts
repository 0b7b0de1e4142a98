// What the runtime will get of each weight, from headers and a recipe: dtype or layout, and shape. Nothing is read.
//
// Shapes: E experts, N rows, K columns.
import type { MatrixHead } from '@moeq/kernels';
import { checkedLayout, type Recipe, resolve } from '@moeq/quantizers';
import type { TensorPlace, WeightHeads } from '@moeq/runtime';
import { isDType, isFloatDType, type Layout } from '@moeq/tensors';
import type { Checkpoint, CheckpointTensor } from './checkpoint.js';
import { tensorFinder } from './weights.js';

export interface HeadOptions {
  /** null: weights run as they are stored. */
  readonly recipe: Recipe | null;
  /** Whether a format without a layout passes as it is; what it takes then is not known. */
  readonly runsFormat?: ((format: string) => boolean) | undefined;
}

export function weightHeads(
  checkpoint: Checkpoint,
  { recipe, runsFormat = () => false }: HeadOptions,
): WeightHeads {
  const find = tensorFinder(checkpoint);
  /** Of layouts and shapes that are equal, so that thousands of experts are counted as quickly as one. */
  const known = new Map<string, MatrixHead | null>();

  const decoded = (
    shape: readonly number[],
    format: string,
    layout: Layout | null | undefined,
  ): MatrixHead | null => {
    if (layout === undefined) return null;
    if (layout !== null) return { shape, dtype: 'F32', layout };
    return runsFormat(format) ? null : { shape, dtype: 'F32' };
  };
  const headOf = (tensor: CheckpointTensor): MatrixHead | null => {
    const { facts, stored } = tensor;
    const shape = facts.shape.slice(-2);
    const [rows = 0, columns = 0] = shape;
    const quantizer = (recipe === null ? null : resolve(recipe, facts)) ?? 'keep';
    const isPlain = isDType(stored);
    const key = `${stored} ${quantizer === 'keep' ? '' : JSON.stringify([quantizer.name, quantizer.options])} ${shape} ${isPlain ? '' : tensor.bytes}`;
    const before = known.get(key);
    if (before !== undefined) return before;
    let head: MatrixHead | null;
    if (isPlain && quantizer !== 'keep')
      head = decoded(shape, quantizer.name, checkedLayout(quantizer, [rows, columns], facts.name));
    else if (isPlain) head = isFloatDType(stored) ? { shape, dtype: stored } : null;
    else head = decoded(shape, stored, tensor.layout?.([rows, columns]));
    known.set(key, head);
    return head;
  };
  const at = ({ slot, layer, expert }: TensorPlace): CheckpointTensor | null => {
    const fused = layer === undefined || expert === undefined ? null : find({ slot, layer });
    return (
      fused ?? find({ slot, ...(layer !== undefined && { layer }), ...(expert !== undefined && { expert }) })
    );
  };
  return {
    has: (slot, position = {}) => at({ slot, ...position }) !== null,
    head(slot, position = {}) {
      const tensor = at({ slot, ...position });
      return tensor === null ? null : headOf(tensor);
    },
  };
}
