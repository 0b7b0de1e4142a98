// The form in which bitsandbytes serializes a weight: nn/modules.py, Linear4bit._save_to_state_dict and
// Linear8bitLt._save_to_state_dict. P is the module, `P.weight` the tensor's name, n elements, G blocks.
//
//   4 bits  P.weight U8 [ceil(n / 2), 1], .absmax F32 or, nested, U8 [G], .quant_map F32 [16],
//           nested: .nested_absmax F32, .nested_quant_map F32 [256]; .quant_state.bitsandbytes__<type> U8, JSON
//   8 bits  P.weight I8 [N, K], P.SCB F32 [N], P.weight_format U8 scalar 0, "row"
import {
  bytesPerElement,
  type DType,
  float32View,
  type Layout,
  planeData,
  planeSpecs,
  type QuantizedTensor,
} from '@moeq/tensors';
import { int8RowMultiplier } from '../int8.js';
import { floatPlane } from '../plane.js';
import { encodeQuantState } from './quant-state.js';

/** A tensor without its data, as it is known before quantizing. */
export type TensorHead = Pick<QuantizedTensor, 'format' | 'shape' | 'dtype' | 'layout'>;

/** One tensor of the form. */
export interface BitsandbytesTensor {
  readonly name: string;
  readonly dtype: DType;
  /** Of the quantization state, whose JSON has a number in it, the bound of its length. */
  readonly shape: readonly number[];
  readonly bound: boolean;
  data(tensor: QuantizedTensor): Uint8Array;
}

/** Formats of 4 bits that bitsandbytes has. */
export type QuantType = 'nf4' | 'fp4';

/** Of all float32, one whose Python notation has the most characters. */
const longestNumber = -1.1754943508222875e-38;

/**
 * The tensors that hold a weight, in their order.
 * @param name of the weight
 * @returns null where bitsandbytes has no form for it
 */
export function bitsandbytesForm(name: string, head: TensorHead): readonly BitsandbytesTensor[] | null {
  const { layout, shape } = head;
  const module = /^(.+)\.weight$/.exec(name)?.[1];
  if (module === undefined || layout === null || shape.length !== 2) return null;
  if (isInt8Row(layout, shape)) {
    return [
      { name, dtype: 'I8', shape, bound: false, data: dataOf('codes') },
      {
        name: `${module}.SCB`,
        dtype: 'F32',
        shape: shape.slice(0, 1),
        bound: false,
        data: dataOf('scales'),
      },
      { name: `${module}.weight_format`, dtype: 'U8', shape: [], bound: false, data: () => Uint8Array.of(0) },
    ];
  }
  const quantType = quantTypeOf(head.format);
  return quantType !== null && isFlat4Bit(layout) ? fourBitForm(name, head, layout, quantType) : null;
}

function fourBitForm(
  name: string,
  head: TensorHead,
  layout: FourBit,
  quantType: QuantType,
): BitsandbytesTensor[] {
  const { scale, decode } = layout;
  const nested = scale.kind === 'nested' ? scale : null;
  const bytes = new Map(planeSpecs(layout, head.shape).map((spec) => [spec.name, spec.bytes]));
  const vector = (
    suffix: string,
    dtype: DType,
    length: number,
    data: BitsandbytesTensor['data'],
    bound = false,
  ): BitsandbytesTensor => ({
    name: `${name}.${suffix}`,
    dtype,
    shape: [length],
    bound,
    data,
  });
  const plane = (suffix: string, dtype: DType, from: 'scales' | 'scalesNested') =>
    vector(suffix, dtype, (bytes.get(from) ?? 0) / bytesPerElement(dtype), dataOf(from));
  const table = (suffix: string, values: Float32Array) =>
    vector(suffix, 'F32', values.length, () => floatPlane(values).data);
  const state = (offset: number) =>
    encodeQuantState({
      quantType,
      blockSize: layout.blockSize,
      dtype: head.dtype,
      shape: head.shape,
      nested: nested === null ? null : { blockSize: nested.blockSize, offset },
    });
  return [
    { name, dtype: 'U8', shape: [bytes.get('codes') ?? 0, 1], bound: false, data: dataOf('codes') },
    plane('absmax', nested === null ? 'F32' : 'U8', 'scales'),
    table('quant_map', decode.values),
    ...(nested === null
      ? []
      : [plane('nested_absmax', 'F32', 'scalesNested'), table('nested_quant_map', nested.codebook)]),
    vector(
      `quant_state.bitsandbytes__${quantType}`,
      'U8',
      state(longestNumber).byteLength,
      (tensor) => state(nested === null ? 0 : (float32View(dataOf('scalesOffset')(tensor))[0] ?? 0)),
      nested !== null,
    ),
  ];
}

function dataOf(name: string): BitsandbytesTensor['data'] {
  return (tensor) => planeData(tensor, name);
}

type FourBit = Layout & { readonly decode: { readonly kind: 'codebook' } };

/** What bitsandbytes' 4-bit kernels can read: their packing, blocks and scales. */
function isFlat4Bit(layout: Layout): layout is FourBit {
  const { scale } = layout;
  const plain = scale.kind === 'plain' && scale.dtype === 'F32' && scale.multiplier === 1;
  const nested = scale.kind === 'nested' && scale.dtype === 'F32' && scale.hasOffset;
  const packing = layout.bitsPerCode === 4 && layout.order === 'highFirst' && layout.blocks === 'flat';
  return packing && layout.decode.kind === 'codebook' && (plain || nested);
}

/** Whether a layout is the row-wise one of LLM.int8. */
function isInt8Row(layout: Layout, shape: readonly number[]): boolean {
  const { decode, scale } = layout;
  const signed = layout.bitsPerCode === 8 && decode.kind === 'affine' && decode.zero.kind === 'signed';
  const absmax = scale.kind === 'plain' && scale.dtype === 'F32' && scale.multiplier === int8RowMultiplier;
  return signed && absmax && layout.blocks === 'row' && layout.blockSize === Math.max(shape[1] ?? 0, 1);
}

/** The code table's name in keys and JSON; null for formats that bitsandbytes does not have. */
export function quantTypeOf(format: string): QuantType | null {
  const type = format.replace(/-dq$/, '');
  return type === 'nf4' || type === 'fp4' ? type : null;
}
