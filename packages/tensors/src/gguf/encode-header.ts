// Writing the header of a GGUF file: magic, version, counts, metadata, directory, padding.
import { MoeqError, quote } from '../errors.js';
import { defaultAlignment, magic, maxNameBytes, maxRank, maxTensors, writtenVersion } from './limits.js';
import { padded } from './tensor-infos.js';
import { type GgufType, ggufByteLength } from './types.js';
import {
  type GgufMetadata,
  type GgufNumberType,
  type GgufScalar,
  type GgufValue,
  numberReaders,
  numberWriters,
  valueBytes,
  valueIds,
} from './value.js';

/** A tensor that will be written. */
export interface GgufTensor {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost dimension first. */
  readonly shape: readonly number[];
}

/** Where a tensor goes, in bytes from the start of the file. */
export interface PlacedGgufTensor {
  readonly name: string;
  readonly offset: number;
  readonly bytes: number;
}

export interface EncodedHeader {
  /** Up to the first tensor. */
  readonly data: Uint8Array;
  readonly tensors: readonly PlacedGgufTensor[];
  /** Bytes of the whole file, the last tensor padded. */
  readonly bytes: number;
}

/**
 * @param file names it in messages
 * @throws MoeqError when a reader would refuse a tensor or a value
 */
export function encodeGgufHeader(
  file: string,
  metadata: GgufMetadata,
  tensors: readonly GgufTensor[],
): EncodedHeader {
  const out = new ByteBuilder();
  out.raw(new TextEncoder().encode(magic));
  out.scalar({ type: 'u32', value: writtenVersion });
  out.scalar({ type: 'u64', value: BigInt(tensors.length) });
  out.scalar({ type: 'u64', value: BigInt(metadata.size) });
  for (const [key, value] of metadata) {
    assertText(file, key, value);
    out.scalar({ type: 'string', value: key });
    out.scalar({ type: 'i32', value: valueIds[value.type] });
    out.value(value);
  }
  assertTensors(file, tensors);
  const alignment = alignmentIn(file, metadata);
  let end = 0;
  const places: PlacedGgufTensor[] = [];
  for (const { name, type, shape } of tensors) {
    const bytes = ggufByteLength(type, shape);
    out.scalar({ type: 'string', value: name });
    out.scalar({ type: 'u32', value: shape.length });
    for (const size of shape.toReversed()) out.scalar({ type: 'u64', value: BigInt(size) });
    out.scalar({ type: 'i32', value: type.id });
    out.scalar({ type: 'u64', value: BigInt(end) });
    places.push({ name, offset: end, bytes });
    end = padded(end + bytes, alignment);
  }
  const data = out.finish(alignment);
  return {
    data,
    tensors: places.map(({ offset, ...place }) => ({ ...place, offset: offset + data.byteLength })),
    bytes: data.byteLength + end,
  };
}

function alignmentIn(file: string, metadata: GgufMetadata): number {
  const own = metadata.get('general.alignment');
  if (own === undefined) return defaultAlignment;
  if (own.type === 'u32' && own.value >= 1 && (own.value & (own.value - 1)) === 0) return own.value;
  throw writeError(
    `${file}: key "general.alignment"`,
    'a power of two, u32',
    `${own.type} ${quote(String(own.value))}`,
  );
}

function assertText(file: string, key: string, value: GgufValue): void {
  const texts = value.type === 'array' && value.of === 'string' ? value.value : [value.value];
  const broken = [key, ...texts].find((text) => typeof text === 'string' && !text.isWellFormed());
  if (broken !== undefined)
    throw writeError(`${file}: key ${quote(key)}`, 'text without lone surrogates', quote(broken));
}

function assertTensors(file: string, tensors: readonly GgufTensor[]): void {
  if (tensors.length > maxTensors)
    throw writeError(file, `at most ${maxTensors} tensors`, `${tensors.length}`);
  const names = new Set<string>();
  for (const { name, type, shape } of tensors) {
    const fail = (expected: string, found: string): never => {
      throw writeError(`${file}: tensor ${quote(name)}`, expected, found);
    };
    const bytes = new TextEncoder().encode(name).length;
    if (bytes > maxNameBytes) fail(`a name of at most ${maxNameBytes} bytes`, `${bytes}`);
    if (!name.isWellFormed()) fail('a name without lone surrogates', quote(name));
    if (names.has(name)) fail('each tensor once', 'it twice');
    names.add(name);
    const counts = shape.every((size) => Number.isSafeInteger(size) && size >= 0);
    if (!counts || shape.length > maxRank || !Number.isSafeInteger(ggufByteLength(type, shape))) {
      fail(`at most ${maxRank} whole dimensions of less than 2^53 bytes`, quote(shape));
    }
    const columns = shape.at(-1) ?? 1;
    if (columns % type.blockLength !== 0) {
      fail(`rows of whole blocks of ${type.blockLength} in ${type.name}`, `rows of ${columns} elements`);
    }
  }
}

function writeError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'write GGUF', subject, expected, found });
}

/** Bytes that grow. */
class ByteBuilder {
  #bytes = new Uint8Array(2 ** 16);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  scalar(scalar: GgufScalar): void {
    const { type } = scalar;
    if (type === 'string') {
      const text = new TextEncoder().encode(scalar.value);
      this.scalar({ type: 'u64', value: BigInt(text.length) });
      this.raw(text);
      return;
    }
    const at = this.#grow(valueBytes[type]);
    if (type === 'u64') this.#view.setBigUint64(at, scalar.value, true);
    else if (type === 'i64') this.#view.setBigInt64(at, scalar.value, true);
    else if (type === 'bool') this.#view.setUint8(at, Number(scalar.value));
    else this.#number(type, at, scalar.value as number);
  }

  #number(type: GgufNumberType, at: number, value: number): void {
    numberWriters[type](this.#view, at, value);
    const kept = numberReaders[type](this.#view, at);
    if (type !== 'f32' && kept !== value) {
      throw new MoeqError({ operation: 'write GGUF', subject: 'a value', expected: type, found: `${value}` });
    }
  }

  value(value: GgufValue): void {
    if (value.type !== 'array') {
      this.scalar(value);
      return;
    }
    this.scalar({ type: 'i32', value: valueIds[value.of] });
    this.scalar({ type: 'u64', value: BigInt(value.value.length) });
    for (let i = 0; i < value.value.length; i++) {
      this.scalar({ type: value.of, value: value.value[i] } as GgufScalar);
    }
  }

  raw(data: Uint8Array): void {
    // #grow may replace the buffer
    const at = this.#grow(data.length);
    this.#bytes.set(data, at);
  }

  /** All of it, padded with zeros. */
  finish(alignment: number): Uint8Array {
    const length = padded(this.#length, alignment);
    this.#grow(length - this.#length);
    return this.#bytes.slice(0, length);
  }

  #grow(bytes: number): number {
    const at = this.#length;
    this.#length += bytes;
    if (this.#length > this.#bytes.length) {
      const larger = new Uint8Array(Math.max(this.#length, 2 * this.#bytes.length));
      larger.set(this.#bytes.subarray(0, at));
      this.#bytes = larger;
      this.#view = new DataView(larger.buffer);
    }
    return at;
  }
}
