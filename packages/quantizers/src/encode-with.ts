// A quantizer's work done by an encoder, which has kernels for what quantizers say as data.
import type { MatrixEncoder, MatrixInput, QuantizedTensor, SquaredNorms } from '@moeq/tensors';
import { encodingOf } from './encoding.js';
import type { Quantizer } from './quantizer.js';

/**
 * What `quantizer.quantize` makes of the matrix, byte for byte, and how far it is from the weights.
 * @returns null where the encoder cannot do it, its figures are no numbers, or the weights have to be refused: `quantize`
 *   then does, or says why
 * @throws what reading throws
 */
export async function encodeWith(
  encoder: MatrixEncoder,
  quantizer: Quantizer,
  input: MatrixInput,
): Promise<{ readonly tensor: QuantizedTensor; readonly norms: SquaredNorms } | null> {
  const described = encodingOf(quantizer);
  if (described === undefined) return null;
  // a quantizer spread into another one, with a name or methods of its own: only `quantize` knows what it does
  const { name, layout: ownLayout } = described;
  if (name !== quantizer.name || ownLayout !== quantizer.layout) return null;
  const encoded = await encoder.encode(input, described.encoding);
  if (encoded === null) return null;
  const { shape, dtype } = input;
  const format = name;
  const layout = described.layout(shape);
  const { weights, difference } = encoded.norms;
  if (!Number.isFinite(weights) || !Number.isFinite(difference)) return null;
  return {
    tensor: { format, shape: [...shape], dtype, layout, planes: encoded.planes },
    norms: encoded.norms,
  };
}
