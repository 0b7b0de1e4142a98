// Weights as bitsandbytes serializes them, and what they will take before they are quantized.
import { type FloatDType, MoeqError, type QuantizedTensor, type Tensor } from '@moeq/tensors';
import { checkedLayout } from '../checked.js';
import type { Quantizer } from '../quantizer.js';
import type { StoredPart } from '../stored-part.js';
import { type BitsandbytesTensor, bitsandbytesForm, type TensorHead } from './form.js';

/**
 * The tensors to store, by name; data is shared with the planes.
 * @param name of the weight, `<module>.weight`
 * @throws MoeqError for a tensor that bitsandbytes has no form for
 */
export function toBitsandbytes(name: string, tensor: QuantizedTensor): Record<string, Tensor> {
  return Object.fromEntries(
    formOf(name, tensor).map((part) => {
      const data = part.data(tensor);
      return [part.name, { dtype: part.dtype, shape: part.bound ? [data.byteLength] : part.shape, data }];
    }),
  );
}

/**
 * The tensors that `toBitsandbytes` will give for a weight, in its order.
 * @param shape [N, K]
 * @param dtype of the weight before it is quantized
 * @throws MoeqError for a weight that bitsandbytes has no form for
 */
export function planBitsandbytes(
  name: string,
  quantizer: Quantizer,
  shape: readonly [rows: number, columns: number],
  dtype: FloatDType,
): StoredPart[] {
  const head = { format: quantizer.name, shape, dtype, layout: checkedLayout(quantizer, shape, name) };
  return formOf(name, head).map(({ name, dtype, shape, bound }) =>
    bound ? { name, maxBytes: shape[0] ?? 0 } : { name, dtype, shape },
  );
}

function formOf(name: string, head: TensorHead): readonly BitsandbytesTensor[] {
  const form = bitsandbytesForm(name, head);
  if (form !== null) return form;
  throw new MoeqError({
    operation: 'write as bitsandbytes',
    subject: name,
    expected: 'the weight of a linear layer, named .weight, of two dimensions, in nf4, fp4 or row-wise int8',
    found: `${head.format} of shape ${JSON.stringify(head.shape)}`,
  });
}
