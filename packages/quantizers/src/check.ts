// What every quantizer asks of its input.
import { MoeqError } from '@moeq/tensors';

/** @throws MoeqError when there are not N * K weights */
export function assertMatrix(
  weights: Float32Array,
  [rows, columns]: readonly [number, number],
  name: string,
): void {
  if (weights.length === rows * columns) return;
  throw new MoeqError({
    operation: 'quantize',
    subject: name,
    expected: `${rows} x ${columns} weights`,
    found: `${weights.length}`,
  });
}
