// Whether a quantizer without a layout decodes the planes that it is given, and not something that it remembers of the weights:
// only what the planes hold is in the file. Tried once for each quantizer and shape, with a second matrix.
//
// Shapes: N rows, K columns.
import type { QuantizedTensor } from '@moeq/tensors';
import { checkedDequantize, checkedQuantize } from './checked.js';
import type { QuantizeContext, Quantizer } from './quantizer.js';
import { QuantizerError } from './quantizer-error.js';

const tried = new WeakMap<Quantizer, Set<string>>();

/**
 * Quantizes the negated weights and decodes both matrices, each once more than it needs to be.
 * @param tensor what the quantizer made of the weights
 * @param weightsOf Float32 [N, K], new memory
 * @throws QuantizerError when the numbers that a tensor decodes to change with the tensors quantized after it, or are the
 *   same for other planes
 */
export function assertDecodesPlanes(
  quantizer: Quantizer,
  tensor: QuantizedTensor,
  weightsOf: () => Float32Array,
  context: QuantizeContext,
): void {
  if (tensor.layout !== null) return;
  const [rows = 0, columns = 0] = tensor.shape;
  const shapes = tried.get(quantizer) ?? new Set();
  tried.set(quantizer, shapes);
  const key = `${rows} ${columns}`;
  if (shapes.has(key)) return;
  const { name } = context;
  const decode = (one: QuantizedTensor) => new Float32Array(checkedDequantize(quantizer, one, name));
  const fail = (expected: string, found: string): never => {
    throw new QuantizerError(quantizer.name, name, { operation: 'dequantize()', expected, found });
  };

  const values = decode(tensor);
  const negated = weightsOf();
  for (const [index, weight] of negated.entries()) negated[index] = -weight;
  const other = checkedQuantize(quantizer, negated, [rows, columns], context);
  if (!sameBytes(values, decode(tensor)))
    fail('the same numbers from the same planes', 'others after another matrix was quantized');
  const others = decode(other);
  const isZero = values.every((value) => value === 0);
  if (!isZero && sameBytes(values, others))
    fail('numbers that follow from the planes', 'the same for weights and for their negatives');
  if (samePlanes(tensor, other) && !sameBytes(values, others))
    fail('the same numbers from the same planes', 'others from planes of another matrix that are equal');
  if (!sameBytes(values, decode(tensor)))
    fail('the same numbers from the same planes', 'others after another tensor was decoded');
  if (!isZero) shapes.add(key);
}

function samePlanes(one: QuantizedTensor, other: QuantizedTensor): boolean {
  return Object.entries(one.planes).every(([name, { data }]) => {
    const plane = other.planes[name];
    return plane !== undefined && sameBytes(data, plane.data);
  });
}

function sameBytes(one: Float32Array | Uint8Array, other: Float32Array | Uint8Array): boolean {
  if (one.byteLength !== other.byteLength) return false;
  const bytes = ({ buffer, byteOffset, byteLength }: Float32Array | Uint8Array) =>
    new Uint8Array(buffer, byteOffset, byteLength);
  const [left, right] = [bytes(one), bytes(other)];
  return left.every((byte, index) => byte === right[index]);
}
