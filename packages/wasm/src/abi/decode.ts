// Operands as a worker reads them: one view of each instruction, made once, whose properties are the named fields of the
// instruction that its cursor is at. Nothing is copied or made while a program runs.
import {
  type Enumeration,
  type Field,
  type Fields,
  isEnumeration,
  isList,
  isScalar,
  type List,
  placed,
  type Scalar,
  wordsOf,
} from './fields.js';

/** The words of a memory. */
export interface Memory {
  readonly words: Int32Array;
  /** The same words. */
  readonly floats: Float32Array;
}

/** A memory, and the first word of what is read there. */
export class Cursor implements Memory {
  words: Int32Array = new Int32Array();
  /** The same words. */
  floats: Float32Array = new Float32Array();
  at = 0;
}

/** Items that are numbers. */
interface NumbersView {
  readonly count: number;
  /** Index of the first word in the memory. */
  readonly start: number;
  at(index: number): number;
}

/** Items that have fields: a view of one, which the next call moves. */
interface RecordsView<Of extends Fields> {
  readonly count: number;
  at(index: number): View<Of>;
}

type Read<Of> =
  Of extends List<infer Items>
    ? Items extends Fields
      ? RecordsView<Items>
      : NumbersView
    : Of extends 'flag'
      ? boolean
      : Of extends Scalar
        ? number
        : Of extends Enumeration
          ? Of[keyof Of]
          : Of extends Fields
            ? View<Of>
            : never;

export type View<Of> = { readonly [Name in keyof Of]: Read<Of[Name]> };

/** @param word of the fields, counted from the cursor */
export function viewOf<Of extends Fields>(fields: Of, cursor: Cursor, word = 0): View<Of> {
  const view = {};
  for (const [name, field, at] of placed(fields)) {
    Object.defineProperty(view, name, { enumerable: true, ...property(field, cursor, word + at) });
  }
  return view as View<Of>;
}

function property(field: Field, cursor: Cursor, word: number): { get(): unknown } | { value: unknown } {
  if (field === 'f32') return { get: () => cursor.floats[cursor.at + word] };
  if (field === 'flag') return { get: () => cursor.words[cursor.at + word] === 1 };
  if (isScalar(field)) return { get: () => (cursor.words[cursor.at + word] as number) >>> 0 };
  if (isEnumeration(field)) return { get: () => cursor.words[cursor.at + word] };
  if (!isList(field)) return { value: viewOf(field, cursor, word) };
  return {
    value: isScalar(field.items)
      ? numbersView(field.items, cursor, word)
      : recordsView(field.items, cursor, word),
  };
}

function numbersView(items: Scalar, cursor: Cursor, word: number): NumbersView {
  const start = (): number => cursor.at + (cursor.words[cursor.at + word] as number);
  return {
    get count() {
      return cursor.words[cursor.at + word + 1] as number;
    },
    get start() {
      return start();
    },
    at:
      items === 'f32'
        ? (index) => cursor.floats[start() + index] as number
        : (index) => (cursor.words[start() + index] as number) >>> 0,
  };
}

function recordsView<Of extends Fields>(fields: Of, cursor: Cursor, word: number): RecordsView<Of> {
  const item = new Cursor();
  const view = viewOf(fields, item);
  const size = wordsOf(fields);
  return {
    get count() {
      return cursor.words[cursor.at + word + 1] as number;
    },
    at(index) {
      item.words = cursor.words;
      item.floats = cursor.floats;
      item.at = cursor.at + (cursor.words[cursor.at + word] as number) + size * index;
      return view;
    },
  };
}
