// The directory of a GGUF file: names, types, shapes and places of its tensors. They lie one behind the other in the order
// of the directory, each padded to the alignment, as gguf_init_from_file requires.
import { elementCount } from '../dtype.js';
import { quote } from '../errors.js';
import type { Cursor } from './cursor.js';
import { maxNameBytes, maxRank } from './limits.js';
import { type GgufType, ggufByteLength, ggufTypeOfId, ggufTypes, nameOfId } from './types.js';

export interface GgufEntry {
  readonly name: string;
  readonly type: GgufType;
  /** Outermost dimension first, which is the reverse of the file's order. */
  readonly shape: readonly number[];
  /** Bytes from the start of the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** An entry whose place counts from the first tensor. */
interface Info extends Omit<GgufEntry, 'offset'> {
  readonly begin: bigint;
}

/** @throws MoeqError naming the tensor */
export function readInfos(cursor: Cursor, count: number): Info[] {
  const infos: Info[] = [];
  for (let i = 0; i < count; i++) {
    const name = cursor.string('the name of a tensor', maxNameBytes);
    cursor.enter(`tensor ${quote(name)}`);
    infos.push(readInfo(cursor, name));
    cursor.leave();
  }
  return infos;
}

function readInfo(cursor: Cursor, name: string): Info {
  const rank = cursor.u32('the number of dimensions');
  if (rank > maxRank) cursor.fail(`at most ${maxRank} dimensions`, `${rank}`);
  const shape: number[] = [];
  for (let i = 0; i < rank; i++) {
    const size = cursor.i64('a dimension');
    if (size < 0n || size > BigInt(Number.MAX_SAFE_INTEGER)) {
      cursor.fail('dimensions from 0 to below 2^53', `${size}`);
    }
    shape.unshift(Number(size));
  }
  const id = cursor.i32('the type');
  const type = ggufTypeOfId(id);
  if (type === null) return cursor.fail(ggufTypes.map((known) => known.name).join(', '), nameOfId(id));
  const columns = shape.at(-1) ?? 1;
  if (columns % type.blockLength !== 0) {
    cursor.fail(`rows of whole blocks of ${type.blockLength} in ${type.name}`, `rows of ${columns} elements`);
  }
  const bytes = ggufByteLength(type, shape);
  if (!Number.isSafeInteger(elementCount(shape)) || !Number.isSafeInteger(bytes)) {
    cursor.fail('less than 2^53 bytes', `${type.name} [${shape.join(', ')}]`);
  }
  return { name, type, shape, bytes, begin: cursor.u64('the offset') };
}

/**
 * @param dataStart bytes from the start of the file to the first tensor
 * @throws MoeqError naming a tensor that comes twice, overlaps, leaves a hole or lies out of the file
 */
export function placeInfos(
  cursor: Cursor,
  infos: readonly Info[],
  dataStart: number,
  alignment: number,
  fileSize: number,
): Map<string, GgufEntry> {
  const entries = new Map<string, GgufEntry>();
  let end = 0;
  for (const { name, type, shape, bytes, begin } of infos) {
    cursor.enter(`tensor ${quote(name)}`);
    if (entries.has(name)) cursor.fail('each tensor once', 'it twice');
    const expected = padded(end, alignment);
    if (begin !== BigInt(expected)) {
      const kind = begin < BigInt(expected) ? 'an overlap' : 'a hole';
      cursor.fail(`its data at ${expected}, where the tensor before it ends`, `${begin}, ${kind}`);
    }
    const offset = dataStart + expected;
    if (offset + bytes > fileSize) {
      cursor.fail(`a file of ${offset + bytes} bytes or more`, `${fileSize}: the file is cut short`);
    }
    entries.set(name, { name, type, shape, offset, bytes });
    end = expected + bytes;
  }
  cursor.leave();
  return entries;
}

/** The next multiple of the alignment. */
export function padded(bytes: number, alignment: number): number {
  return Math.ceil(bytes / alignment) * alignment;
}
