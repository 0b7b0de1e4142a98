// The keys and values of a GGUF file.
import { quote } from '../errors.js';
import type { Cursor } from './cursor.js';
import { defaultAlignment, maxAlignment, maxArrayLength, maxEntries, maxStringBytes } from './limits.js';
import {
  type GgufArray,
  type GgufMetadata,
  type GgufNumberType,
  type GgufScalar,
  type GgufValue,
  numberReaders,
  valueBytes,
  valueTypeOfId,
} from './value.js';

const alignmentKey = 'general.alignment';

/** The longest key of any architecture has below a hundred bytes. */
const maxKeyBytes = 2 ** 16 - 1;

/** @throws MoeqError naming the key */
export function readMetadata(cursor: Cursor, count: number): Map<string, GgufValue> {
  const metadata = new Map<string, GgufValue>();
  for (let i = 0; i < count; i++) {
    const key = cursor.string('a key', maxKeyBytes);
    cursor.enter(`key ${quote(key)}`);
    if (metadata.has(key)) cursor.fail('each key once', 'it twice');
    metadata.set(key, readValue(cursor));
    cursor.leave();
  }
  return metadata;
}

/** How many keys a file has. @throws MoeqError when there are too many */
export function readEntryCount(cursor: Cursor): number {
  return cursor.count('keys', maxEntries);
}

function readValue(cursor: Cursor): GgufValue {
  const id = cursor.i32('the type of the value');
  const type = valueTypeOfId(id) ?? cursor.fail('a type of value from 0 to 12', `${id}`);
  return type === 'array' ? readArray(cursor) : readScalar(cursor, type);
}

function readScalar(cursor: Cursor, type: GgufScalar['type']): GgufScalar {
  switch (type) {
    case 'string':
      return { type, value: cursor.string('a string') };
    case 'bool':
      return { type, value: readBool(cursor) };
    case 'u64':
      return { type, value: cursor.u64('a value') };
    case 'i64':
      return { type, value: cursor.i64('a value') };
    default:
      return { type, value: numberReaders[type](cursor.view, cursor.take(valueBytes[type], 'a value')) };
  }
}

function readBool(cursor: Cursor): boolean {
  const byte = cursor.view.getUint8(cursor.take(1, 'true or false'));
  return byte <= 1 ? byte === 1 : cursor.fail('true or false, 1 or 0', `${byte}`);
}

const arrays = {
  u8: Uint8Array,
  i8: Int8Array,
  u16: Uint16Array,
  i16: Int16Array,
  u32: Uint32Array,
  i32: Int32Array,
  f32: Float32Array,
  f64: Float64Array,
} as const satisfies Record<GgufNumberType, unknown>;

function readArray(cursor: Cursor): GgufArray {
  const id = cursor.i32('the type of the elements');
  const of = valueTypeOfId(id) ?? cursor.fail('a type of elements from 0 to 12', `${id}`);
  if (of === 'array') return cursor.fail('elements that are no arrays', 'an array of arrays');
  const count = cursor.count('elements', maxArrayLength);
  // before anything is made for them: the smallest elements that so many can be
  const end = cursor.at + count * valueBytes[of];
  const start = cursor.at;
  cursor.take(end - start, `${count} elements`);
  switch (of) {
    case 'string': {
      cursor.at = start;
      return { type: 'array', of, value: readMany(count, () => cursor.string('a string', maxStringBytes)) };
    }
    case 'bool': {
      cursor.at = start;
      return { type: 'array', of, value: readMany(count, () => readBool(cursor)) };
    }
    case 'u64':
    case 'i64': {
      cursor.at = start;
      return { type: 'array', of, value: readMany(count, () => cursor[of]('an element')) };
    }
    default: {
      const value = new arrays[of](count);
      const bytes = valueBytes[of];
      for (let i = 0; i < count; i++) value[i] = numberReaders[of](cursor.view, start + i * bytes);
      return { type: 'array', of, value };
    }
  }
}

function readMany<Value>(count: number, read: () => Value): Value[] {
  const values: Value[] = [];
  for (let i = 0; i < count; i++) values.push(read());
  return values;
}

/** Bytes whose multiples tensors begin at. @throws MoeqError unless it is a power of two within reason */
export function alignmentOf(metadata: GgufMetadata, cursor: Cursor): number {
  const found = metadata.get(alignmentKey);
  if (found === undefined) return defaultAlignment;
  cursor.enter(`key ${quote(alignmentKey)}`);
  const { type, value } = found;
  const usable = type === 'u32' && value >= 1 && value <= maxAlignment && (value & (value - 1)) === 0;
  if (!usable)
    return cursor.fail(`a power of two up to ${maxAlignment}, u32`, `${type} ${quote(String(value))}`);
  cursor.leave();
  return value;
}
