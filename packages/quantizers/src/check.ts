// What every quantizer asks of its input.
import { MoeqError } from '@moeq/tensors';

/**
 * @param name the tensor's name, for the message
 * @throws MoeqError at the first NaN or infinity
 */
export function assertFinite(weights: Float32Array, name: string): void {
  let sum = 0;
  for (let i = 0; i < weights.length; i++) sum += (weights[i] as number) * 0;
  if (sum === 0) return;
  const index = weights.findIndex((weight) => !Number.isFinite(weight));
  throw new MoeqError({
    operation: 'quantize',
    subject: name,
    expected: 'finite weights',
    found: `${weights[index]} at element ${index}`,
  });
}

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
