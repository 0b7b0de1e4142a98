// Between the blocks of a GGUF tensor and the planes of a QuantizedTensor. A block keeps scale and codes side by side; in
// planes they are apart, in the same order, so one expert of a fused tensor is still a slice of each plane.
import { assertQuantizedTensor } from '../assert.js';
import { planeData } from '../block-values.js';
import { decodeTensor } from '../decode.js';
import { elementCount } from '../dtype.js';
import { MoeqError } from '../errors.js';
import type { Plane, PlaneName, QuantizedTensor } from '../layout.js';
import { planeSpecs } from '../planes.js';
import type { Tensor } from '../tensor.js';
import { bytesOf } from '../views.js';
import { type GgufQuantization, type GgufType, ggufByteLength } from './types.js';
import type { BlockPlanes } from './unpack.js';

/**
 * The tensor that bytes of a GGUF file are: plain as it stands, quantized with its layout. A quantized tensor of other
 * rank than two or three, which no matrix is, is decoded to F32.
 * @param shape outermost dimension first
 * @param subject names the tensor in messages
 * @throws MoeqError when the bytes are not those of the shape, or a scale is NaN or infinite
 */
export function fromGgufBlocks(
  type: GgufType,
  shape: readonly number[],
  data: Uint8Array,
  subject = `${type.name} tensor`,
): Tensor | QuantizedTensor {
  assertBytes(type, shape, data, subject);
  const { content } = type;
  if (typeof content === 'string') return { dtype: content, shape, data };
  if (shape.length === 2 || shape.length === 3) return split(type, content, shape, data, subject);
  const columns = shape.at(-1) ?? 1;
  const rows = columns === 0 ? 0 : elementCount(shape) / columns;
  const values = decodeTensor(split(type, content, [rows, columns], data, subject));
  return { dtype: 'F32', shape, data: bytesOf(values) };
}

function split(
  { blockLength, blockBytes }: GgufType,
  { format, layout, block }: GgufQuantization,
  shape: readonly number[],
  data: Uint8Array,
  subject: string,
): QuantizedTensor {
  const blocks = elementCount(shape) / blockLength;
  const planes: Record<string, Plane> = {};
  for (const { name, dtype, bytes } of planeSpecs(layout, shape)) {
    planes[name] = { dtype, data: new Uint8Array(bytes) };
  }
  const plane = (name: PlaneName) => planes[name]?.data ?? new Uint8Array(0);
  if (typeof block === 'function') {
    const whole: BlockPlanes = {
      codes: plane('codes'),
      scales: plane('scales'),
      scalesNested: plane('scalesNested'),
      offsets: plane('offsets'),
      offsetsNested: plane('offsetsNested'),
    };
    for (let i = 0; i < blocks; i++) block(data, i * blockBytes, whole, i);
  } else {
    let from = 0;
    for (const [name, bytes] of block) {
      copyFields(data, from, blockBytes, plane(name), 0, bytes, bytes, blocks);
      from += bytes;
    }
  }
  const tensor: QuantizedTensor = { format, shape, dtype: 'F32', layout, planes };
  assertQuantizedTensor(tensor, subject);
  return tensor;
}

/**
 * The blocks of a tensor with the layout of its type, e.g. what `quantizeGguf` made or `fromGgufBlocks` has split. Types
 * whose blocks are bit fields (the K types among them) are not written.
 * @throws MoeqError when the tensor is of another format, or the type is not written
 */
export function toGgufBlocks(type: GgufType, tensor: QuantizedTensor): Uint8Array {
  const { content, blockLength, blockBytes } = type;
  const fields = typeof content === 'string' || typeof content.block === 'function' ? null : content.block;
  if (fields === null || typeof content === 'string' || tensor.layout !== content.layout) {
    throw new MoeqError({
      operation: `write as ${type.name}`,
      subject: `${tensor.format} tensor`,
      expected:
        fields === null ? 'a type whose blocks can be written' : 'a tensor with the layout of that type',
      found: fields === null ? type.name : tensor.format,
    });
  }
  const blocks = elementCount(tensor.shape) / blockLength;
  const data = new Uint8Array(blocks * blockBytes);
  let to = 0;
  for (const [name, bytes] of fields) {
    copyFields(planeData(tensor, name), 0, bytes, data, to, blockBytes, bytes, blocks);
    to += bytes;
  }
  return data;
}

/**
 * Copies `bytes` at a time from one stride to another, sixteen by sixteen as four numbers: three times as fast as byte by
 * byte. A view a block, of which there are millions, would be slower still.
 */
function copyFields(
  source: Uint8Array,
  from: number,
  sourceStride: number,
  target: Uint8Array,
  to: number,
  targetStride: number,
  bytes: number,
  count: number,
): void {
  const input = new DataView(source.buffer, source.byteOffset, source.byteLength);
  const output = new DataView(target.buffer, target.byteOffset, target.byteLength);
  const wide = bytes - (bytes % 16);
  for (let i = 0; i < count; i++) {
    const read = from + i * sourceStride;
    const write = to + i * targetStride;
    let j = 0;
    for (; j < wide; j += 16) {
      const at = read + j;
      const put = write + j;
      output.setInt32(put, input.getInt32(at, true), true);
      output.setInt32(put + 4, input.getInt32(at + 4, true), true);
      output.setInt32(put + 8, input.getInt32(at + 8, true), true);
      output.setInt32(put + 12, input.getInt32(at + 12, true), true);
    }
    for (; j < bytes; j++) target[write + j] = source[read + j] as number;
  }
}

function assertBytes(type: GgufType, shape: readonly number[], data: Uint8Array, subject: string): void {
  const columns = shape.at(-1) ?? 1;
  const bytes = ggufByteLength(type, shape);
  const whole = columns % type.blockLength === 0;
  if (whole && bytes === data.byteLength) return;
  throw new MoeqError({
    operation: `read as ${type.name}`,
    subject,
    expected: whole
      ? `${bytes} bytes of ${JSON.stringify(shape)}`
      : `rows of whole blocks of ${type.blockLength}`,
    found: whole ? `${data.byteLength}` : `rows of ${columns} elements`,
  });
}
