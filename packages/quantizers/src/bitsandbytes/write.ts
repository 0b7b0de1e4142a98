// A quantized tensor as bitsandbytes serializes it: nn/modules.py, Linear4bit._save_to_state_dict and
// Linear8bitLt._save_to_state_dict. P is the module, `P.weight` the tensor's name.
//
//   4 bits  P.weight U8 [ceil(n / 2), 1], .absmax F32 or, nested, U8 [G], .quant_map F32 [16],
//           nested: .nested_absmax F32, .nested_quant_map F32 [256]; .quant_state.bitsandbytes__<type> U8, JSON
//   8 bits  P.weight I8 [N, K], P.SCB F32 [N], P.weight_format U8 scalar 0, "row"
import {
  elementCount,
  float32View,
  type Layout,
  MoeqError,
  type Plane,
  type QuantizedTensor,
  type Tensor,
} from '@moeq/tensors';
import { int8RowMultiplier } from '../int8.js';
import { floatPlane } from '../plane.js';
import { encodeQuantState } from './quant-state.js';

/** Ends the name of every weight that bitsandbytes quantizes. */
const weightSuffix = '.weight';

/**
 * The tensors to store, by name; data is shared with the planes.
 * @param name of the weight, `<module>.weight`
 * @throws MoeqError for a tensor that bitsandbytes has no form for
 */
export function toBitsandbytes(name: string, tensor: QuantizedTensor): Record<string, Tensor> {
  const module = moduleOf(name);
  const { layout, shape } = tensor;
  const quantType = quantTypeOf(tensor.format);
  if (module === null || layout === null || shape.length !== 2) throw refusal(name, tensor);
  if (isInt8Row(layout, shape)) {
    return {
      [name]: { dtype: 'I8', shape, data: plane(tensor, 'codes').data },
      [`${module}.SCB`]: { dtype: 'F32', shape: shape.slice(0, 1), data: plane(tensor, 'scales').data },
      [`${module}.weight_format`]: { dtype: 'U8', shape: [], data: Uint8Array.of(0) },
    };
  }
  if (quantType === null || !isFlat4Bit(layout)) throw refusal(name, tensor);
  return fourBit(name, tensor, layout, quantType);
}

function fourBit(
  name: string,
  tensor: QuantizedTensor,
  layout: Layout & FourBit,
  quantType: 'nf4' | 'fp4',
): Record<string, Tensor> {
  const { scale } = layout;
  const scales = plane(tensor, 'scales');
  const tensors: Record<string, Tensor> = {
    [name]: {
      dtype: 'U8',
      shape: [Math.ceil(elementCount(tensor.shape) / 2), 1],
      data: plane(tensor, 'codes').data,
    },
    [`${name}.absmax`]: vector(scales),
    [`${name}.quant_map`]: vector(floatPlane(layout.decode.values)),
  };
  const nested = scale.kind === 'nested' ? { blockSize: scale.blockSize, offset: offsetOf(tensor) } : null;
  if (scale.kind === 'nested') {
    tensors[`${name}.nested_absmax`] = vector(plane(tensor, 'scalesNested'));
    tensors[`${name}.nested_quant_map`] = vector(floatPlane(scale.codebook));
  }
  const state = encodeQuantState({
    quantType,
    blockSize: layout.blockSize,
    dtype: tensor.dtype,
    shape: tensor.shape,
    nested,
  });
  tensors[`${name}.quant_state.bitsandbytes__${quantType}`] = vector({ dtype: 'U8', data: state });
  return tensors;
}

interface FourBit {
  readonly decode: { readonly kind: 'codebook'; readonly values: Float32Array };
}

/** What bitsandbytes' 4-bit kernels can read: their packing, blocks and scales. */
function isFlat4Bit(layout: Layout): layout is Layout & FourBit {
  const { scale } = layout;
  const plain = scale.kind === 'plain' && scale.dtype === 'F32' && scale.multiplier === 1;
  const nested = scale.kind === 'nested' && scale.dtype === 'F32' && scale.hasOffset;
  const packing = layout.bitsPerCode === 4 && layout.order === 'highFirst' && layout.blocks === 'flat';
  return packing && layout.decode.kind === 'codebook' && (plain || nested);
}

/** Whether a layout is the row-wise one of LLM.int8. */
export function isInt8Row(layout: Layout, shape: readonly number[]): boolean {
  const { decode, scale } = layout;
  const signed = layout.bitsPerCode === 8 && decode.kind === 'affine' && decode.zero.kind === 'signed';
  const absmax = scale.kind === 'plain' && scale.dtype === 'F32' && scale.multiplier === int8RowMultiplier;
  return signed && absmax && layout.blocks === 'row' && layout.blockSize === Math.max(shape.at(-1) ?? 0, 1);
}

/** The code table's name in keys and JSON; null for formats that bitsandbytes does not have. */
function quantTypeOf(format: string): 'nf4' | 'fp4' | null {
  const type = format.replace(/-dq$/, '');
  return type === 'nf4' || type === 'fp4' ? type : null;
}

function moduleOf(name: string): string | null {
  return name.endsWith(weightSuffix) ? name.slice(0, -weightSuffix.length) : null;
}

function plane(tensor: QuantizedTensor, name: string): Plane {
  const found = tensor.planes[name];
  if (found !== undefined) return found;
  throw new MoeqError({
    operation: 'write as bitsandbytes',
    subject: `${tensor.format} tensor`,
    expected: `plane ${name}`,
    found: 'none',
  });
}

function vector({ dtype, data }: Plane): Tensor {
  return { dtype, shape: [dtype === 'F32' ? data.byteLength / 4 : data.byteLength], data };
}

function offsetOf(tensor: QuantizedTensor): number {
  return float32View(plane(tensor, 'scalesOffset').data)[0] ?? 0;
}

function refusal(name: string, tensor: QuantizedTensor): MoeqError {
  return new MoeqError({
    operation: 'write as bitsandbytes',
    subject: name,
    expected: 'the weight of a linear layer, named .weight, of two dimensions, in nf4, fp4 or row-wise int8',
    found: `${tensor.format} of shape ${JSON.stringify(tensor.shape)}`,
  });
}
