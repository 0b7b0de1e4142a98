// Fused experts from their matrices: each is quantized by itself, and the planes are laid one behind the other.
import { MoeqError, type Plane, type QuantizedTensor } from '@moeq/tensors';

/**
 * One tensor [M, N, K] of M tensors [N, K] that one quantizer made of matrices of one shape.
 * @param subject the fused tensor's name, for messages
 * @throws MoeqError when there are none, or formats, shapes or planes differ
 */
export function stackMatrices(matrices: readonly QuantizedTensor[], subject: string): QuantizedTensor {
  const [first] = matrices;
  const kind = (tensor: QuantizedTensor | undefined) =>
    `${tensor?.format} ${JSON.stringify(tensor?.shape)} with planes ${planeSizes(tensor)}`;
  const other = matrices.find((matrix) => kind(matrix) !== kind(first));
  if (first === undefined || first.shape.length !== 2 || other !== undefined) {
    throw new MoeqError({
      operation: 'stack the experts',
      subject,
      expected: first === undefined ? 'one matrix or more' : `matrices that all are ${kind(first)}`,
      found: first === undefined ? 'none' : kind(other ?? first),
    });
  }
  const planes = Object.entries(first.planes).map(([name, { dtype, data }]): [string, Plane] => {
    const stacked = new Uint8Array(data.byteLength * matrices.length);
    matrices.forEach((matrix, index) => {
      stacked.set((matrix.planes[name] as Plane).data, index * data.byteLength);
    });
    return [name, { dtype, data: stacked }];
  });
  return { ...first, shape: [matrices.length, ...first.shape], planes: Object.fromEntries(planes) };
}

function planeSizes(tensor: QuantizedTensor | undefined): string {
  return Object.entries(tensor?.planes ?? {})
    .map(([name, { dtype, data }]) => `${name} ${dtype} of ${data.byteLength} bytes`)
    .join(', ');
}
