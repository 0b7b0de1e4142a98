// A quantized tensor in moeq's own form: plane P of tensor T is stored as tensor `T.P`, in the dtype and shape that the
// layout gives it (`planeSpecs` of @moeq/tensors); what the planes mean stands in config.json.
import {
  assertQuantizedTensor,
  byteLength,
  bytesPerElement,
  type FloatDType,
  type Layout,
  MoeqError,
  type Plane,
  planeSpecs,
  type QuantizedTensor,
  quote,
  type Tensor,
} from '@moeq/tensors';
import { checkedLayout, checkedQuantize } from '../checked.js';
import type { Quantizer } from '../quantizer.js';
import { findQuantizer } from '../quantizers.js';
import type { StoredPart } from '../stored-part.js';
import { assertDecodesPlanes } from '../trial.js';
import type { MoeqEntry, MoeqPlane } from './entry.js';

const operation = 'read the quantized tensor';

/**
 * The tensors to store, by name; data is shared with the planes.
 * @param name of the weight
 */
export function toMoeq(name: string, tensor: QuantizedTensor): Record<string, Tensor> {
  const shapes = planeShapes(tensor);
  return Object.fromEntries(
    Object.entries(tensor.planes).map(([plane, { dtype, data }]) => [
      partName(name, plane),
      { dtype, shape: shapes[plane]?.shape ?? [], data },
    ]),
  );
}

/** What config.json says of a tensor. */
export function moeqEntry(tensor: QuantizedTensor): MoeqEntry {
  const { format, shape, dtype, layout } = tensor;
  return { format, shape, dtype, layout, planes: layout === null ? planeShapes(tensor) : null };
}

/** Of quantizers without a layout. */
const knownPlanes = new WeakMap<Quantizer, Map<string, PlaneShapes>>();

type PlaneShapes = ReturnType<typeof planeShapes>;

/** Planes of a matrix [N, K], by quantizing zeros; the quantizer is tried out before. */
function planesByShape(
  quantizer: Quantizer,
  rows: number,
  columns: number,
  name: string,
  dtype: FloatDType,
): PlaneShapes {
  const known = knownPlanes.get(quantizer) ?? new Map<string, PlaneShapes>();
  knownPlanes.set(quantizer, known);
  const key = `${rows} ${columns} ${dtype}`;
  const before = known.get(key);
  if (before !== undefined) return before;
  const quantize = (weights: Float32Array) =>
    checkedQuantize(quantizer, weights, [rows, columns], { name, dtype });
  // Before the zeros: what is remembered of the first matrix shows in a decoding of numbers only.
  assertDecodesPlanes(quantizer, quantize(trialWeights(rows, columns)), () => trialWeights(rows, columns), {
    name,
    dtype,
  });
  const planes = planeShapes(quantize(new Float32Array(rows * columns)));
  known.set(key, planes);
  return planes;
}

/** Float32 [N, K] of -63 to 63. */
function trialWeights(rows: number, columns: number): Float32Array {
  const weights = new Float32Array(rows * columns);
  for (let index = 0; index < weights.length; index++) weights[index] = (index % 127) - 63;
  return weights;
}

/**
 * What will be stored for a weight, before it is quantized. Without a layout a matrix of zeros is quantized to see
 * it, one for each shape: the planes of a quantizer depend on that alone.
 * @param shape [N, K], or [M, N, K] for fused experts
 * @param dtype of the weight before it is quantized
 */
export function planMoeq(
  name: string,
  quantizer: Quantizer,
  shape: readonly number[],
  dtype: FloatDType,
): { readonly entry: MoeqEntry; readonly parts: StoredPart[] } {
  const [columns = 0, rows = 0, matrices] = shape.toReversed();
  const layout = checkedLayout(quantizer, [rows, columns], name);
  let planes: MoeqEntry['planes'] = null;
  if (layout === null) {
    const shapes = Object.entries(planesByShape(quantizer, rows, columns, name, dtype));
    const leading = matrices === undefined ? [] : [matrices];
    planes = Object.fromEntries(
      shapes.map(([plane, { dtype, shape }]) => [plane, { dtype, shape: [...leading, ...shape] }]),
    );
  }
  return planMoeqEntry(name, { format: quantizer.name, shape, dtype, layout, planes });
}

/** What will be stored for a weight of which that is said, whatever made it. */
export function planMoeqEntry(
  name: string,
  entry: MoeqEntry,
): { readonly entry: MoeqEntry; readonly parts: StoredPart[] } {
  const parts = Object.entries(expectedPlanes(entry)).map(([plane, { dtype, shape }]) => ({
    name: partName(name, plane),
    dtype,
    shape,
  }));
  return { entry, parts };
}

/** The names under which the planes of a tensor are stored. */
export function moeqParts(name: string, entry: MoeqEntry): string[] {
  return Object.keys(expectedPlanes(entry)).map((plane) => partName(name, plane));
}

/**
 * The tensor that the parts hold.
 * @param name of the weight
 * @param entry what config.json says of it
 * @param parts tensors by their full names, as `moeqParts` lists them
 * @param quantizers the user's own; a tensor without a layout needs the one of its format among them
 * @throws MoeqError when that quantizer is missing, or a part is missing, unknown, of another dtype, shape or size, or holds
 * scales that are not finite
 */
export function fromMoeq(
  name: string,
  entry: MoeqEntry,
  parts: Readonly<Record<string, Tensor>>,
  quantizers: readonly Quantizer[] = [],
): QuantizedTensor {
  if (entry.layout === null) findQuantizer(entry.format, quantizers, name);
  const expected = expectedPlanes(entry);
  const planes: Record<string, Plane> = {};
  for (const [plane, { dtype, shape }] of Object.entries(expected)) {
    const part = parts[partName(name, plane)];
    const describe = (dtype: string, shape: readonly number[], bytes: number) =>
      `${dtype} ${JSON.stringify(shape)} of ${bytes} bytes`;
    const wanted = describe(dtype, shape, byteLength(dtype, shape));
    const found =
      part === undefined ? 'no such tensor' : describe(part.dtype, part.shape, part.data.byteLength);
    if (part === undefined || found !== wanted) {
      throw new MoeqError({ operation, subject: partName(name, plane), expected: wanted, found });
    }
    planes[plane] = { dtype, data: part.data };
  }
  const extra = Object.keys(parts).find((part) => !Object.hasOwn(expected, part.slice(name.length + 1)));
  if (extra !== undefined) {
    throw new MoeqError({ operation, subject: name, expected: 'no other parts', found: quote(extra) });
  }
  const { format, shape, dtype, layout } = entry;
  const tensor = { format, shape, dtype, layout, planes };
  assertQuantizedTensor(tensor, name);
  return tensor;
}

function partName(name: string, plane: string): string {
  return `${name}.${plane}`;
}

function expectedPlanes({ layout, shape, planes }: MoeqEntry): Readonly<Record<string, MoeqPlane>> {
  return layout === null ? (planes ?? {}) : layoutPlanes(layout, shape);
}

function layoutPlanes(layout: Layout, shape: readonly number[]): Record<string, MoeqPlane> {
  return Object.fromEntries(
    planeSpecs(layout, shape).map(({ name, dtype, shape }) => [name, { dtype, shape }]),
  );
}

/** Shapes of the planes: the layout's; without one a list of elements, or one list a matrix. */
function planeShapes({ layout, shape, planes }: QuantizedTensor): Readonly<Record<string, MoeqPlane>> {
  if (layout !== null) return layoutPlanes(layout, shape);
  const leading = shape.length === 3 ? shape.slice(0, 1) : [];
  const matrices = leading[0] ?? 1;
  return Object.fromEntries(
    Object.entries(planes).map(([name, { dtype, data }]) => [
      name,
      {
        dtype,
        shape: [...leading, matrices === 0 ? 0 : data.byteLength / bytesPerElement(dtype) / matrices],
      },
    ]),
  );
}
