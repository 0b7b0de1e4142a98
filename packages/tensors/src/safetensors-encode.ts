// Writing safetensors: the header as text, and whole small files in memory. Tensors are laid out by falling alignment, as
// the reference implementation does, because its readers view tensors in place; the header is padded with blanks so that
// the data begins at a multiple of 8.
import { byteLength, bytesPerElement, type DType, describeTensor } from './dtype.js';
import { MoeqError, quote } from './errors.js';
import { lengthBytes } from './safetensors.js';
import { maxHeaderBytes, maxRank, maxTensors, metadataKey } from './safetensors-header.js';
import type { Tensor } from './tensor.js';

/** A tensor and its place, in bytes from the end of the header. */
export interface PlacedTensor {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

/** Stable: tensors of the same element size keep their order. */
export function byAlignment(a: { readonly dtype: DType }, b: { readonly dtype: DType }): number {
  return bytesPerElement(b.dtype) - bytesPerElement(a.dtype);
}

/** @throws MoeqError when a reader would refuse a tensor of that name and shape */
export function assertTensorFacts(file: string, name: string, dtype: DType, shape: readonly number[]): void {
  const fail = (expected: string, found: string): never => {
    throw new MoeqError({
      operation: 'write safetensors',
      subject: `${file}: tensor ${quote(name)}`,
      expected,
      found,
    });
  };
  if (name === metadataKey) fail('a name that the format does not reserve', name);
  if (!name.isWellFormed()) fail('a name without lone surrogates', quote(name));
  const counts = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
  if (!counts || shape.length > maxRank || !Number.isSafeInteger(byteLength(dtype, shape))) {
    fail(`at most ${maxRank} whole dimensions of less than 2^53 bytes`, quote(shape));
  }
}

/**
 * Header length and header of a file, padded with blanks to a multiple of 8 bytes.
 * @param bytes length to pad to, a multiple of 8; without it the shortest
 * @throws MoeqError when the header is longer than that or than the format allows
 */
export function encodeSafetensorsHeader(
  file: string,
  tensors: readonly PlacedTensor[],
  metadata: Readonly<Record<string, string>>,
  bytes?: number,
): Uint8Array {
  const facts = tensors.map(({ name, dtype, shape, begin, end }): [string, unknown] => [
    name,
    { dtype, shape, data_offsets: [begin, end] },
  ]);
  const members = Object.keys(metadata).length === 0 ? facts : [[metadataKey, metadata] as const, ...facts];
  const json = members.map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`).join(',');
  const text = new TextEncoder().encode(`{${json}}`);
  const length = bytes ?? Math.ceil((lengthBytes + text.length) / 8) * 8;
  const limit = Math.min(length, lengthBytes + maxHeaderBytes);
  if (lengthBytes + text.length > limit || tensors.length > maxTensors) {
    throw new MoeqError({
      operation: 'write the safetensors header',
      subject: file,
      expected: `at most ${maxTensors} tensors and ${limit - lengthBytes} bytes`,
      found: `${tensors.length} tensors and ${text.length} bytes; write more and smaller shards`,
    });
  }
  const header = new Uint8Array(length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length - lengthBytes), true);
  header.set(text, lengthBytes);
  return header;
}

/**
 * A whole file in memory, for small ones; the writer of `@moeq/tensors/node` streams.
 * @throws MoeqError when a tensor's data is not of its dtype and shape, or its name is reserved
 */
export function encodeSafetensors(
  tensors: Readonly<Record<string, Tensor>>,
  metadata: Readonly<Record<string, string>> = {},
): Uint8Array {
  let end = 0;
  const placed = Object.entries(tensors)
    .map(([name, tensor]) => ({ name, ...tensor }))
    .sort(byAlignment)
    .map(({ name, dtype, shape, data }) => {
      assertTensorFacts('file in memory', name, dtype, shape);
      const bytes = byteLength(dtype, shape);
      if (data.byteLength !== bytes) {
        throw new MoeqError({
          operation: 'write safetensors',
          subject: `tensor ${quote(name)}`,
          expected: `${bytes} bytes of ${describeTensor(dtype, shape)}`,
          found: `${data.byteLength}`,
        });
      }
      const begin = end;
      end += bytes;
      return { name, dtype, shape, begin, end, data };
    });
  const header = encodeSafetensorsHeader('file in memory', placed, metadata);
  const file = new Uint8Array(header.length + end);
  file.set(header);
  for (const { begin, data } of placed) file.set(data, header.length + begin);
  return file;
}
