// Typed views of little-endian bytes. Containers place tensors at any byte, typed arrays want multiples of their element
// size: what is aligned is viewed, what is not is copied. Hosts are little-endian, as every engine that runs JavaScript
// today is; the one place that depends on it is this file.
import { MoeqError } from './errors.js';

interface TypedArrayClass<View> {
  readonly BYTES_PER_ELEMENT: number;
  new (buffer: ArrayBufferLike, byteOffset: number, length: number): View;
}

/**
 * The bytes as elements of the class: a view where the address allows, else a view of a copy.
 * @throws MoeqError when the bytes are no whole number of elements
 */
export function viewAs<View>(View: TypedArrayClass<View>, data: Uint8Array): View {
  const size = View.BYTES_PER_ELEMENT;
  if (data.byteLength % size !== 0) {
    throw new MoeqError({
      operation: 'view as numbers',
      subject: 'bytes',
      expected: `a multiple of ${size} bytes`,
      found: `${data.byteLength}`,
    });
  }
  const at = data.byteOffset % size === 0 ? data : new Uint8Array(data);
  return new View(at.buffer, at.byteOffset, at.byteLength / size);
}

/**
 * F32 bytes as numbers: a view where the address is a multiple of 4, else a copy.
 * @throws MoeqError when the length is no multiple of 4 bytes
 */
export function float32View(data: Uint8Array): Float32Array {
  return viewAs(Float32Array, data);
}

/** The bytes that a typed array lies in. */
export function bytesOf(view: ArrayBufferView): Uint8Array {
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}
