// A quantizer's work done by an encoder, which has kernels for what quantizers say as data. That an encoding says what
// `quantize` does is tested with the first matrix of each quantizer: a copy of a quantizer with another `quantize`
// carries the encoding of the first.
//
// Shapes: N rows, K columns.
import {
  type Encoding,
  type FloatDType,
  fromFloat32,
  type MatrixEncoder,
  type MatrixInput,
  type Plane,
  type QuantizedTensor,
  type SquaredNorms,
  toFloat32,
} from '@moeq/tensors';
import { checkedQuantize } from './checked.js';
import type { Quantizer } from './quantizer.js';
import { QuantizerError } from './quantizer-error.js';

type Encodes = Quantizer & { readonly encoding: Encoding };

/**
 * What `quantizer.quantize` makes of the matrix, byte for byte, and how far it is from the weights.
 * @returns null where the encoder cannot do it, its figures are no numbers, or the weights have to be refused: `quantize`
 *   then does, or says why
 * @throws QuantizerError where its `encoding` is not what `quantize` does; what reading throws
 */
export async function encodeWith(
  encoder: MatrixEncoder,
  quantizer: Quantizer,
  input: MatrixInput,
): Promise<{ readonly tensor: QuantizedTensor; readonly norms: SquaredNorms } | null> {
  if (!hasEncoding(quantizer) || !(await agrees(encoder, quantizer, input))) return null;
  const encoded = await encoder.encode(input, quantizer.encoding);
  if (encoded === null) return null;
  const { shape, dtype } = input;
  const { weights, difference } = encoded.norms;
  if (!Number.isFinite(weights) || !Number.isFinite(difference)) return null;
  const layout = quantizer.layout(shape);
  return {
    tensor: { format: quantizer.name, shape: [...shape], dtype, layout, planes: encoded.planes },
    norms: encoded.norms,
  };
}

function hasEncoding(quantizer: Quantizer): quantizer is Encodes {
  return quantizer.encoding !== undefined;
}

/** Quantizers that have been tried out with an encoder, and whether it can do their work. */
const tried = new WeakMap<MatrixEncoder, WeakMap<Quantizer, Promise<boolean>>>();

function agrees(encoder: MatrixEncoder, quantizer: Encodes, input: MatrixInput): Promise<boolean> {
  const ofEncoder = tried.get(encoder) ?? new WeakMap<Quantizer, Promise<boolean>>();
  tried.set(encoder, ofEncoder);
  const known = ofEncoder.get(quantizer);
  if (known !== undefined) return known;
  const answer = tryOut(encoder, quantizer, input);
  // an empty matrix shows nothing
  if (input.shape.every((size) => size > 0)) ofEncoder.set(quantizer, answer);
  return answer;
}

/** Rows that are tried: blocks end in a row, or go on in the next. */
const triedRows = 3;

async function tryOut(
  encoder: MatrixEncoder,
  quantizer: Encodes,
  { dtype, shape: [rows, columns] }: MatrixInput,
): Promise<boolean> {
  const shape = [Math.min(rows, triedRows), columns] as const;
  // weights of all sizes up to 0.05 in no order
  const weights = new Float32Array(shape[0] * columns).map((_, i) => 0.05 * Math.sin(i * i + 1));
  const data = fromFloat32(weights, dtype);
  const read = async (offset: number, length: number) => data.slice(offset, offset + length);
  const encoded = await encoder.encode({ dtype, shape, read }, quantizer.encoding);
  if (encoded === null) return false;
  const tensor = quantized(quantizer, toFloat32(data, dtype), shape, dtype);
  if (tensor === null) return false;
  const wrong = differing(tensor.planes, encoded.planes);
  if (wrong === null) return true;
  throw new QuantizerError(quantizer.name, `weights [${shape.join(', ')}]`, {
    operation: 'encoding',
    expected: 'data that say what quantize() does, or none',
    found: `another plane ${wrong}`,
  });
}

/** null where `quantize` fails: it does so again with the matrix itself, and says what is wrong with that. */
function quantized(
  quantizer: Quantizer,
  weights: Float32Array,
  shape: MatrixInput['shape'],
  dtype: FloatDType,
): QuantizedTensor | null {
  try {
    return checkedQuantize(quantizer, weights, shape, { name: 'weights', dtype });
  } catch (error) {
    if (QuantizerError.isInstance(error)) return null;
    throw error;
  }
}

type Planes = Readonly<Record<string, Plane>>;

/** The first plane that is not the same in both. */
function differing(planes: Planes, others: Planes): string | null {
  const names = new Set([...Object.keys(planes), ...Object.keys(others)]);
  for (const name of names) {
    const [plane, other] = [planes[name], others[name]];
    if (plane?.dtype !== other?.dtype || plane?.data.length !== other?.data.length) return name;
    if (plane?.data.some((byte, i) => byte !== other?.data[i])) return name;
  }
  return null;
}
