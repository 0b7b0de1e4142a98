// Reading safetensors: 8 bytes of header length, the header, the tensors. Only the ranges asked for are read.
// Format: https://github.com/huggingface/safetensors, README "Format".
import type { ByteSource } from './byte-source.js';
import { describeTensor } from './dtype.js';
import { MoeqError, quote } from './errors.js';
import { lookAlike } from './look-alike.js';
import {
  maxHeaderBytes,
  parseSafetensorsHeader,
  type SafetensorsHeader,
  type TensorEntry,
} from './safetensors-header.js';
import type { Tensor } from './tensor.js';

/** Bytes of the header's length: a little-endian unsigned integer of 64 bits. */
export const lengthBytes = 8;

/** Enough to tell what a file is that is no safetensors. */
const signatureBytes = 64;

export interface SafetensorsFile extends SafetensorsHeader {
  /** The source's name, for messages. */
  readonly name: string;
  /**
   * One tensor, in a buffer of its own.
   * @throws MoeqError when there is no such tensor or the source cannot be read
   */
  read(name: string, signal?: AbortSignal): Promise<Tensor>;
  /**
   * Part `index` along the outermost dimension, e.g. one expert [N, K] of [M, N, K]; reads no other bytes.
   * @throws MoeqError when there is no such part or the source cannot be read
   */
  readPart(name: string, index: number, signal?: AbortSignal): Promise<Tensor>;
  /** Closes the source. */
  close(): Promise<void>;
}

/**
 * Reads and checks the header; tensors are read when asked for. The source is not closed on failure.
 * @throws MoeqError that names the file, and the tensor where there is one, when a rule of the format is broken
 */
export async function openSafetensors(source: ByteSource, signal?: AbortSignal): Promise<SafetensorsFile> {
  const { name: file, size } = source;
  const headerBytes = await readHeaderLength(source, signal);
  const dataStart = lengthBytes + headerBytes;
  const bytes = await source.read(lengthBytes, headerBytes, signal);
  const header = parseSafetensorsHeader(decodeUtf8(bytes, file), file, dataStart, size);

  const entryOf = (name: string): TensorEntry => {
    const entry = header.tensors.get(name);
    if (entry !== undefined) return entry;
    throw new MoeqError({
      operation: 'read a tensor',
      subject: file,
      expected: `one of its ${header.tensors.size} tensors`,
      found: quote(name),
    });
  };

  return {
    ...header,
    name: file,
    async read(name, readSignal) {
      const { dtype, shape, offset, bytes: length } = entryOf(name);
      return { dtype, shape, data: await source.read(offset, length, readSignal) };
    },
    async readPart(name, index, readSignal) {
      const { dtype, shape, offset, bytes: length } = entryOf(name);
      const [parts = 0, ...partShape] = shape;
      if (!(Number.isInteger(index) && index >= 0 && index < parts)) {
        throw new MoeqError({
          operation: `read part ${index}`,
          subject: `${file}: tensor ${quote(name)}`,
          expected: `an index below ${parts}`,
          found: describeTensor(dtype, shape),
        });
      }
      const partBytes = length / parts;
      return {
        dtype,
        shape: partShape,
        data: await source.read(offset + index * partBytes, partBytes, readSignal),
      };
    },
    async close() {
      await source.close?.();
    },
  };
}

async function readHeaderLength(source: ByteSource, signal?: AbortSignal): Promise<number> {
  const { name: file, size } = source;
  const start = await source.read(0, Math.min(signatureBytes, size), signal);
  const fail = (expected: string, found: string): never => {
    const alike = lookAlike(start);
    throw new MoeqError({
      operation: 'read as safetensors',
      subject: file,
      expected: alike === null ? expected : 'a safetensors file',
      found: alike ?? found,
    });
  };
  if (size < lengthBytes) return fail(`at least ${lengthBytes} bytes`, `${size}`);
  const length = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  // the shortest header is "{}"
  if (length < 2n) fail('a header of 2 bytes or more', `${length}`);
  if (length > BigInt(maxHeaderBytes)) fail(`a header of at most ${maxHeaderBytes} bytes`, `${length}`);
  if (length > BigInt(size - lengthBytes)) fail(`a header of ${length} bytes`, `a file of ${size} bytes`);
  return Number(length);
}

function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw new MoeqError({
      operation: 'read the safetensors header',
      subject: file,
      expected: 'UTF-8',
      found: 'bytes that are not',
      cause,
    });
  }
}
