// A quantizer's work done by an encoder, which has kernels for what quantizers say as data.
import type { MatrixEncoder, MatrixInput, QuantizedTensor, SquaredNorms } from '@moeq/tensors';
import type { Quantizer } from './quantizer.js';

/**
 * What `quantizer.quantize` makes of the matrix, byte for byte, and how far it is from the weights.
 * @returns null where the encoder cannot do it, or the weights have to be refused: `quantize` then does, or says why
 * @throws what reading throws
 */
export async function encodeWith(
  encoder: MatrixEncoder,
  quantizer: Quantizer,
  input: MatrixInput,
): Promise<{ readonly tensor: QuantizedTensor; readonly norms: SquaredNorms } | null> {
  const { name, encoding } = quantizer;
  const { shape, dtype } = input;
  if (encoding === undefined) return null;
  const encoded = await encoder.encode(input, encoding);
  if (encoded === null) return null;
  const layout = quantizer.layout(shape);
  return {
    tensor: { format: name, shape: [...shape], dtype, layout, planes: encoded.planes },
    norms: encoded.norms,
  };
}
