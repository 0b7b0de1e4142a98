// Byte sources that need no system: bytes in memory, and the Blob or File of a browser.
import type { ByteSource } from './byte-source.js';
import { MoeqError } from './errors.js';

/** @throws MoeqError unless `length` bytes from `offset` are within `size` */
export function assertRange(name: string, size: number, offset: number, length: number): void {
  const counts = Number.isSafeInteger(offset) && Number.isSafeInteger(length) && offset >= 0 && length >= 0;
  if (counts && offset + length <= size) return;
  throw new MoeqError({
    operation: `read ${length} bytes at ${offset}`,
    subject: name,
    expected: 'a range within the file',
    found: `${size} bytes in total`,
  });
}

/** Bytes in memory. Reads are copies, so the caller may change what it got. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.byteLength,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(name, bytes.byteLength, offset, length);
      return new Uint8Array(bytes.subarray(offset, offset + length));
    },
  };
}

/** A Blob, or a File that a user has chosen; only the ranges asked for are read from it. */
export function blobSource(name: string, blob: Blob): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, length, signal) {
      signal?.throwIfAborted();
      assertRange(name, blob.size, offset, length);
      const failed = (found: string, cause?: unknown) =>
        new MoeqError({
          operation: `read ${length} bytes at ${offset}`,
          subject: name,
          expected: 'a readable file',
          found,
          cause,
        });
      const buffer = await blob
        .slice(offset, offset + length)
        .arrayBuffer()
        .catch((cause: unknown) => {
          throw failed(cause instanceof Error ? cause.message : String(cause), cause);
        });
      signal?.throwIfAborted();
      if (buffer.byteLength !== length) throw failed(`${buffer.byteLength} bytes`);
      return new Uint8Array(buffer);
    },
  };
}
