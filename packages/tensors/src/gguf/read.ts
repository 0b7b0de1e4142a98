// Reading GGUF: magic, version, counts, metadata, directory of tensors, tensors. Only the ranges asked for are read; the
// header, whose length the file does not say, in pieces that grow until it is whole.
// Format: https://github.com/ggml-org/ggml, docs/gguf.md; src/gguf.cpp is what has to be able to read it.
import type { ByteSource } from '../byte-source.js';
import { MoeqError, quote } from '../errors.js';
import type { QuantizedTensor } from '../layout.js';
import { lookAlike } from '../look-alike.js';
import type { Tensor } from '../tensor.js';
import { fromGgufBlocks } from './blocks.js';
import { Cursor, MoreBytes } from './cursor.js';
import { magic, maxHeaderBytes, maxTensors, readVersions } from './limits.js';
import { alignmentOf, readEntryCount, readMetadata } from './metadata.js';
import { type GgufEntry, padded, placeInfos, readInfos } from './tensor-infos.js';
import type { GgufMetadata } from './value.js';

export interface GgufHeader {
  readonly version: number;
  /** Bytes whose multiples tensors begin at. */
  readonly alignment: number;
  readonly metadata: GgufMetadata;
  /** In the order of the file. */
  readonly tensors: ReadonlyMap<string, GgufEntry>;
}

export interface GgufFile extends GgufHeader {
  /** The source's name, for messages. */
  readonly name: string;
  /**
   * One tensor: plain as it stands, blocks as a QuantizedTensor with its layout.
   * @throws MoeqError when there is no such tensor, a scale of it is not finite, or the source cannot be read
   */
  read(name: string, signal?: AbortSignal): Promise<Tensor | QuantizedTensor>;
  /**
   * Part `index` along the outermost dimension, e.g. one expert [N, K] of [M, N, K]; reads no other bytes.
   * @throws MoeqError when there is no such part, or as `read`
   */
  readPart(name: string, index: number, signal?: AbortSignal): Promise<Tensor | QuantizedTensor>;
  /** Closes the source. */
  close(): Promise<void>;
}

/** The header of a small model in one read; that of a model with a large vocabulary in two. */
const firstBytes = 2 ** 20;
const growth = 8;

/**
 * Reads and checks the header; tensors are read when asked for. The source is not closed on failure.
 * @throws MoeqError that names the file, and the key or tensor where there is one, when a rule of the format is broken
 */
export async function openGguf(source: ByteSource, signal?: AbortSignal): Promise<GgufFile> {
  const header = await readHeader(source, signal);
  const entryOf = (name: string): GgufEntry => {
    const entry = header.tensors.get(name);
    if (entry !== undefined) return entry;
    throw new MoeqError({
      operation: 'read a tensor',
      subject: source.name,
      expected: `one of its ${header.tensors.size} tensors`,
      found: quote(name),
    });
  };
  const subjectOf = (name: string) => `${source.name}: tensor ${quote(name)}`;
  return {
    ...header,
    name: source.name,
    async read(name, readSignal) {
      const { type, shape, offset, bytes } = entryOf(name);
      return fromGgufBlocks(type, shape, await source.read(offset, bytes, readSignal), subjectOf(name));
    },
    async readPart(name, index, readSignal) {
      const { type, shape, offset, bytes } = entryOf(name);
      const [parts = 0, ...partShape] = shape;
      // the blocks of a vector lie along its only dimension
      if (!(Number.isInteger(index) && index >= 0 && index < parts && partShape.length > 0)) {
        throw new MoeqError({
          operation: `read part ${index}`,
          subject: subjectOf(name),
          expected: partShape.length > 0 ? `an index below ${parts}` : 'a tensor of two dimensions or more',
          found: `${type.name} [${shape.join(', ')}]`,
        });
      }
      const partBytes = bytes / parts;
      const data = await source.read(offset + index * partBytes, partBytes, readSignal);
      return fromGgufBlocks(type, partShape, data, subjectOf(name));
    },
    async close() {
      await source.close?.();
    },
  };
}

async function readHeader(source: ByteSource, signal?: AbortSignal): Promise<GgufHeader> {
  for (let bytes = firstBytes; ; bytes *= growth) {
    const length = Math.min(bytes, source.size, maxHeaderBytes);
    const start = await source.read(0, length, signal);
    try {
      return parseHeader(start, source.name, source.size);
    } catch (error) {
      if (!(error instanceof MoreBytes)) throw error;
    }
  }
}

function parseHeader(bytes: Uint8Array, file: string, size: number): GgufHeader {
  const cursor = new Cursor(bytes, file, size);
  assertMagic(cursor, bytes);
  const version = cursor.u32('the version');
  // a small number whose bytes are the other way round
  if (version !== 0 && version % 2 ** 16 === 0) cursor.fail('a little-endian file', 'a big-endian one');
  if (!readVersions.includes(version)) cursor.fail(`version ${readVersions.join(' or ')}`, `${version}`);
  const tensorCount = cursor.count('tensors', maxTensors);
  const metadata = readMetadata(cursor, readEntryCount(cursor));
  const alignment = alignmentOf(metadata, cursor);
  const infos = readInfos(cursor, tensorCount);
  const dataStart = padded(cursor.at, alignment);
  return { version, alignment, metadata, tensors: placeInfos(cursor, infos, dataStart, alignment, size) };
}

function assertMagic(cursor: Cursor, bytes: Uint8Array): void {
  const start = bytes.subarray(0, magic.length);
  if (String.fromCharCode(...start) !== magic) {
    const found = lookAlike(bytes.subarray(0, 64)) ?? quote(String.fromCharCode(...start));
    cursor.fail(`a GGUF file, which begins with "${magic}"`, bytes.length === 0 ? 'an empty file' : found);
  }
  cursor.take(magic.length, 'the magic');
}
