// Instructions and records to words, by their declarations.
import {
  type Field,
  type Fields,
  isEnumeration,
  isList,
  isScalar,
  placed,
  type Scalar,
  type Values,
  wordsOf,
} from './fields.js';
import {
  headerWords,
  type Instructions,
  instructions,
  type Opcode,
  opcodeNames,
  opcodes,
} from './instructions.js';

/** Words that are written, as integers and as floats of the same bits. */
class Words {
  integers: Int32Array<ArrayBuffer>;
  floats: Float32Array<ArrayBuffer>;
  length = 0;

  constructor(capacity: number) {
    this.integers = new Int32Array(capacity);
    this.floats = new Float32Array(this.integers.buffer);
  }

  /** `count` words more, zeros or what was there before; returns the index of the first. */
  extend(count: number): number {
    const first = this.length;
    this.length += count;
    if (this.length > this.integers.length) {
      const longer = new Int32Array(2 * this.length);
      longer.set(this.integers);
      this.integers = longer;
      this.floats = new Float32Array(longer.buffer);
    }
    return first;
  }
}

/** Writes the values of fields from word `at` on. Items of lists go behind the last word, and count from `operands`. */
type Write = (words: Words, at: number, values: unknown, operands: number) => void;

/** The fields of a kind, and their words. */
interface Group {
  readonly names: readonly string[];
  readonly at: readonly number[];
}

/** Fields by how they are written: one loop for each kind is several times as fast as one for all. */
function fieldsWriter(fields: Fields): Write {
  const all = placed(fields);
  const groupOf = (is: (field: Field) => boolean): Group => {
    const group = all.filter(([, field]) => is(field));
    return { names: group.map(([name]) => name), at: group.map(([, , word]) => word) };
  };
  const integers = groupOf((field) => isScalar(field) && field !== 'f32' && field !== 'flag');
  const floats = groupOf((field) => field === 'f32');
  const others = all.flatMap(([name, field, word]) =>
    isScalar(field) && field !== 'flag' ? [] : [{ name, word, write: writerOf(field) }],
  );
  return (words, at, given, operands) => {
    const values = given as Readonly<Record<string, unknown>>;
    // addresses and sizes modulo 2^32
    put(words.integers, at, integers, values);
    put(words.floats, at, floats, values);
    for (const { name, word, write } of others) write(words, at + word, values[name], operands);
  };
}

function put(
  words: Int32Array | Float32Array,
  at: number,
  { names, at: places }: Group,
  values: Readonly<Record<string, unknown>>,
): void {
  for (let i = 0; i < names.length; i++) {
    words[at + (places[i] as number)] = values[names[i] as string] as number;
  }
}

function writerOf(field: Field): Write {
  if (isEnumeration(field)) {
    return (words, at, value) => {
      words.integers[at] = field[value as string] as number;
    };
  }
  if (isList(field)) return listWriter(field.items);
  if (!isScalar(field)) return fieldsWriter(field);
  return (words, at, value) => {
    words.integers[at] = value === true ? 1 : 0;
  };
}

/** Short lists number by number, which is sooner done than a call of `set`. */
function copy(list: ArrayLike<number>, to: Int32Array | Float32Array, at: number): void {
  if (list.length > 32) to.set(list, at);
  else for (let i = 0; i < list.length; i++) to[at + i] = list[i] as number;
}

function listWriter(items: Scalar | Fields): Write {
  const size = isScalar(items) ? 1 : wordsOf(items);
  const write = writerOf(items);
  return (words, at, value, operands) => {
    const list = value as ArrayLike<unknown>;
    const first = words.extend(size * list.length);
    words.integers[at] = first - operands;
    words.integers[at + 1] = list.length;
    if (isScalar(items))
      copy(list as ArrayLike<number>, items === 'f32' ? words.floats : words.integers, first);
    else for (let i = 0; i < list.length; i++) write(words, first + size * i, list[i], operands);
  };
}

const writers = Object.fromEntries(
  opcodeNames.map((name) => [
    name,
    { number: opcodes[name], words: wordsOf(instructions[name]), write: fieldsWriter(instructions[name]) },
  ]),
) as Readonly<Record<Opcode, { readonly number: number; readonly words: number; readonly write: Write }>>;

/** The words of a program, instruction by instruction. */
export class InstructionWriter {
  readonly #words = new Words(4096);

  write<Name extends Opcode>(opcode: Name, operands: Values<Instructions[Name]>): void {
    const { number, words, write } = writers[opcode];
    const header = this.#words.extend(headerWords + words);
    const first = header + headerWords;
    write(this.#words, first, operands, first);
    this.#words.integers[header] = number;
    this.#words.integers[header + 1] = this.#words.length - first;
  }

  /** The words written since the last call. */
  take(): Int32Array<ArrayBuffer> {
    const taken = this.#words.integers.slice(0, this.#words.length);
    this.#words.length = 0;
    return taken;
  }
}

/** Makes the function that gives the bytes of records of a kind, one after the other. */
export function recordEncoder<Of extends Fields>(fields: Of): (records: readonly Values<Of>[]) => Uint8Array {
  const size = wordsOf(fields);
  const write = fieldsWriter(fields);
  return (records) => {
    const words = new Words(size * records.length);
    for (const record of records) write(words, words.extend(size), record, 0);
    return new Uint8Array(words.integers.buffer);
  };
}

/** Zeros for all fields, which have no lists. */
export function blankOf<Of extends Fields>(fields: Of): Values<Of> {
  const zeroOf = (field: Field): unknown => {
    if (field === 'flag') return false;
    if (isScalar(field)) return 0;
    if (!isEnumeration(field)) return blankOf(field as Fields);
    return Object.keys(field).find((name) => field[name] === 0);
  };
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, zeroOf(field)]),
  ) as Values<Of>;
}
