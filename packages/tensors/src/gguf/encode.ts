// Whole small GGUF files in memory; large ones are streamed by the writer of `@moeq/tensors/node`.
import { MoeqError, quote } from '../errors.js';
import { encodeGgufHeader, type GgufTensor } from './encode-header.js';
import type { GgufMetadata } from './value.js';

/**
 * The bytes of a file of these tensors, in this order.
 * @throws MoeqError when a reader would refuse a tensor or a value, or data are not as long as their tensor
 */
export function encodeGguf(
  metadata: GgufMetadata,
  tensors: readonly (GgufTensor & { readonly data: Uint8Array })[],
): Uint8Array {
  const header = encodeGgufHeader('GGUF', metadata, tensors);
  const file = new Uint8Array(header.bytes);
  file.set(header.data);
  header.tensors.forEach(({ name, offset, bytes }, index) => {
    const data = tensors[index]?.data ?? new Uint8Array(0);
    if (data.byteLength !== bytes) {
      throw new MoeqError({
        operation: 'write GGUF',
        subject: `tensor ${quote(name)}`,
        expected: `${bytes} bytes`,
        found: `${data.byteLength}`,
      });
    }
    file.set(data, offset);
  });
  return file;
}
