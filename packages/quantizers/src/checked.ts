// Calls of a quantizer, whose results are checked against the contract. Quantizers come from anywhere, so what leaves this
// file is certain: planes of the size that the layout says, in memory of their own, and finite floats of the right count.
//
// Shapes: N rows, K columns.
import {
  assertLayout,
  assertQuantizedTensor,
  bytesPerElement,
  decodeRows,
  elementCount,
  findNonFinite,
  type Layout,
  type Plane,
  type QuantizedTensor,
  quote,
} from '@moeq/tensors';
import type { QuantizeContext, Quantizer } from './quantizer.js';
import { failureOf, QuantizerError } from './quantizer-error.js';

/** An object of which nothing is known but what its members are called. */
type Unknown<Type> = { readonly [Key in keyof Type]?: unknown };

type Shape = readonly [rows: number, columns: number];

/**
 * `quantizer.layout(shape)`.
 * @param subject the tensor, for messages
 * @throws QuantizerError when it throws or gives something else than an object or null
 */
export function checkedLayout(quantizer: Quantizer, shape: Shape, subject: string): Layout | null {
  const operation = `layout([${shape.join(', ')}])`;
  const layout: unknown = call(quantizer, subject, operation, () => quantizer.layout(shape));
  if (layout === null) return null;
  if (!isObject(layout)) throw wrong(quantizer, subject, operation, 'a layout or null', kindOf(layout));
  call(quantizer, subject, operation, () => assertLayout(layout as Layout, 'layout'));
  return layout as Layout;
}

/**
 * `quantizer.quantize(weights, shape, context)`, with planes copied into memory of their own.
 * @param weights Float32 [N, K], finite
 * @throws QuantizerError when it throws, or gives no tensor of its format, shape, dtype, layout and planes
 */
export function checkedQuantize(
  quantizer: Quantizer,
  weights: Float32Array,
  shape: Shape,
  context: QuantizeContext,
): QuantizedTensor {
  const { name: subject, dtype } = context;
  const operation = 'quantize()';
  const fail = (expected: string, found: string): never => {
    throw wrong(quantizer, subject, operation, expected, found);
  };
  const made: unknown = call(quantizer, subject, operation, () =>
    quantizer.quantize(weights, shape, context),
  );
  const checked = call(quantizer, subject, operation, () => {
    if (!isObject(made)) return fail('a quantized tensor', kindOf(made));
    const tensor: Unknown<QuantizedTensor> = { ...made };
    if (tensor.format !== quantizer.name) fail(`format ${quote(quantizer.name)}`, quote(tensor.format));
    if (!Array.isArray(tensor.shape) || !isSame(tensor.shape, shape))
      fail(`shape [${shape.join(', ')}]`, quote(tensor.shape));
    if (tensor.dtype !== dtype) fail(`dtype ${dtype}`, quote(tensor.dtype));
    const layout = checkedLayout(quantizer, shape, subject);
    if (JSON.stringify(tensor.layout ?? null) !== JSON.stringify(layout))
      fail('the layout that layout() gives', 'another one');
    if (!isObject(tensor.planes)) return fail('planes', kindOf(tensor.planes));
    const planes = Object.entries(tensor.planes).map(([name, plane]): [string, Plane] => {
      const { dtype, data }: Unknown<Plane> = Object(plane);
      if (!ArrayBuffer.isView(data) || !(data instanceof Uint8Array))
        return fail(`plane ${quote(name)} with a dtype and the bytes of a Uint8Array`, kindOf(plane));
      return [name, { dtype: dtype as Plane['dtype'], data: new Uint8Array(data) }];
    });
    const copied = {
      format: quantizer.name,
      shape: [...shape],
      dtype,
      layout,
      planes: Object.fromEntries(planes),
    };
    assertQuantizedTensor(copied, subject);
    return copied;
  });
  for (const [name, { dtype, data }] of Object.entries(checked.planes)) {
    if (data.byteLength % bytesPerElement(dtype) !== 0)
      fail(`whole elements in plane ${quote(name)}`, `${dtype} of ${data.byteLength} bytes`);
  }
  return checked;
}

function isSame(list: readonly unknown[], shape: Shape): boolean {
  return list.length === shape.length && shape.every((size, axis) => size === list[axis]);
}

/**
 * `quantizer.dequantize(tensor)`, of a copy of the planes: what it does to them changes nothing that is stored or measured.
 * @returns Float32 [N, K], finite
 * @throws QuantizerError when it throws, or gives another number of floats, something else, NaN or infinity
 */
export function checkedDequantize(
  quantizer: Quantizer,
  tensor: QuantizedTensor,
  subject: string,
): Float32Array {
  const operation = 'dequantize()';
  const count = elementCount(tensor.shape);
  const values: unknown = call(quantizer, subject, operation, () => quantizer.dequantize(copyOf(tensor)));
  // A proxy of an array is an instance of its class, and no array.
  if (!ArrayBuffer.isView(values) || !(values instanceof Float32Array))
    throw wrong(quantizer, subject, operation, `a Float32Array of ${count} numbers`, kindOf(values));
  if (values.length !== count)
    throw wrong(quantizer, subject, operation, `${count} numbers`, `${values.length}`);
  assertDecoded(quantizer, subject, operation, values, 0);
  return values;
}

function copyOf(tensor: QuantizedTensor): QuantizedTensor {
  const planes = Object.entries(tensor.planes).map(([name, { dtype, data }]): [string, Plane] => [
    name,
    { dtype, data: new Uint8Array(data) },
  ]);
  return { ...tensor, shape: [...tensor.shape], planes: Object.fromEntries(planes) };
}

/** Elements that are decoded at a time: they stay in the processor's cache. */
const stripElements = 2 ** 16;

/** Rows of a decoded matrix. */
export interface DecodedStrip {
  /** Index of its first element in the matrix. */
  readonly first: number;
  /** Finite; the memory is used again for the next strip. */
  readonly values: Float32Array;
}

/**
 * What a quantized matrix [N, K] decodes to, in order, strip by strip: by its layout, or by its quantizer, which says it at
 * once.
 * @throws QuantizerError as `checkedDequantize`, or where what the layout says is not finite
 */
export function* decodedStrips(
  quantizer: Quantizer,
  tensor: QuantizedTensor,
  subject: string,
): Generator<DecodedStrip> {
  if (tensor.layout === null) {
    yield { first: 0, values: checkedDequantize(quantizer, tensor, subject) };
    return;
  }
  const [rows = 0, columns = 0] = tensor.shape;
  const strip = Math.max(1, Math.floor(stripElements / Math.max(columns, 1)));
  const decoded = new Float32Array(strip * columns);
  for (let row = 0; row < rows; row += strip) {
    const count = Math.min(strip, rows - row);
    const values = decodeRows(tensor, row, count, decoded.subarray(0, count * columns));
    assertDecoded(quantizer, subject, 'decoding by its layout', values, row * columns);
    yield { first: row * columns, values };
  }
}

/** Decodes a quantized matrix [N, K] for the sake of the errors of `decodedStrips`. */
export function assertDecodes(quantizer: Quantizer, tensor: QuantizedTensor, subject: string): void {
  const strips = decodedStrips(quantizer, tensor, subject);
  while (strips.next().done !== true);
}

function assertDecoded(
  quantizer: Quantizer,
  subject: string,
  operation: string,
  values: Float32Array,
  first: number,
): void {
  const at = findNonFinite(values);
  if (at < 0) return;
  throw wrong(quantizer, subject, operation, 'finite numbers', `${values[at]} at element ${first + at}`);
}

/** Runs a method; what it throws, or a promise in place of a value, is an error of the quantizer. */
function call<Value>({ name }: Quantizer, subject: string, operation: string, method: () => Value): Value {
  let value: Value;
  try {
    value = method();
  } catch (thrown) {
    throw failureOf(name, subject, operation, thrown);
  }
  if (!isPromise(value)) return value;
  value.then(undefined, () => undefined);
  throw new QuantizerError(name, subject, { operation, expected: 'a value at once', found: 'a promise' });
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  return isObject(value) && 'then' in value && typeof value.then === 'function';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function wrong(
  { name }: Quantizer,
  subject: string,
  operation: string,
  expected: string,
  found: string,
): QuantizerError {
  return new QuantizerError(name, subject, { operation, expected, found });
}

function kindOf(value: unknown): string {
  if (ArrayBuffer.isView(value))
    return `${Object.prototype.toString.call(value).slice('[object '.length, -1)} of ${value.byteLength} bytes`;
  return value === undefined ? 'nothing' : quote(value);
}
