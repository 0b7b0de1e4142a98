// What the host writes is what the worker reads, for every instruction, whatever its operands are and whatever stands before.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Cursor, viewOf } from './decode.js';
import { blankOf, InstructionWriter, recordEncoder } from './encode.js';
import { type Field, type Fields, isEnumeration, isList, isScalar, type Values, wordsOf } from './fields.js';
import {
  headerWords,
  type Instructions,
  instructions,
  type Opcode,
  opcodeNames,
  opcodes,
} from './instructions.js';
import { bytesOf, cacheRecord, matrixRecord, wordsIn } from './records.js';

/** Values that a field may have. */
function arbitraryOf(field: Field): fc.Arbitrary<unknown> {
  if (field === 'flag') return fc.boolean();
  if (field === 'f32') return fc.float({ noNaN: true });
  if (isScalar(field)) return fc.nat({ max: 2 ** 32 - 1 });
  if (isList(field)) return fc.array(arbitraryOf(field.items), { maxLength: 5 });
  if (isEnumeration(field)) return fc.constantFrom(...Object.keys(field));
  return fc.record(
    Object.fromEntries(Object.entries(field).map(([name, each]) => [name, arbitraryOf(each)])),
  );
}

/** A field as the worker reads it, from what the host gave. */
function asRead(field: Field, value: unknown): unknown {
  if (isScalar(field)) return value;
  if (isList(field)) return (value as unknown[]).map((item) => asRead(field.items, item));
  if (isEnumeration(field)) return field[value as string];
  const values = value as Readonly<Record<string, unknown>>;
  return Object.fromEntries(Object.entries(field).map(([name, each]) => [name, asRead(each, values[name])]));
}

interface ListView {
  readonly count: number;
  at(index: number): unknown;
}

/** All that a view says, as plain objects. */
function read(fields: Fields, view: Readonly<Record<string, unknown>>): unknown {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [name, readField(field, view[name])]),
  );
}

function readField(field: Field, value: unknown): unknown {
  if (isScalar(field) || isEnumeration(field)) return value;
  if (!isList(field)) return read(field, value as Readonly<Record<string, unknown>>);
  const { items } = field;
  const list = value as ListView;
  return Array.from({ length: list.count }, (_, index) => readField(items, list.at(index)));
}

const program = fc.array(
  fc
    .constantFrom(...opcodeNames)
    .chain((name) => arbitraryOf(instructions[name]).map((values) => ({ name, values }))),
  { maxLength: 8 },
);

test('programs are read as they were written', () => {
  fc.assert(
    fc.property(program, (written) => {
      const writer = new InstructionWriter();
      for (const { name, values } of written)
        writer.write(name, values as Values<Instructions[Opcode]> as never);
      const words = writer.take();
      const cursor = new Cursor();
      cursor.words = words;
      cursor.floats = new Float32Array(words.buffer);
      let at = 0;
      for (const { name, values } of written) {
        expect(words[at]).toBe(opcodes[name]);
        cursor.at = at + headerWords;
        const view = viewOf<Fields>(instructions[name], cursor);
        expect(read(instructions[name], view)).toEqual(asRead(instructions[name], values));
        at += headerWords + (words[at + 1] as number);
      }
      expect(at).toBe(words.length);
      expect(writer.take().length).toBe(0);
    }),
  );
});

function readRecord<Of extends Fields>(fields: Of, bytes: Uint8Array, index: number) {
  const cursor = new Cursor();
  cursor.words = new Int32Array(bytes.buffer);
  cursor.floats = new Float32Array(bytes.buffer);
  cursor.at = (index * bytesOf(fields)) / 4;
  return { ...viewOf(fields, cursor) };
}

test('records too, one after the other, and addresses count modulo 2^32', () => {
  const shape = { pageStride: 1, pageSize: 2, paddedSize: 3, headDim: 4, valueDim: 5, paddedValueDim: 6 };
  const encode = recordEncoder(cacheRecord);
  const bytes = encode([7, 2 ** 32 + 8, 2 ** 32 - 64].map((base) => ({ base, ...shape })));
  expect(bytes.length).toBe(3 * 28);
  const found = [0, 1, 2].map((index) => readRecord(cacheRecord, bytes, index));
  expect(found).toEqual([7, 8, 2 ** 32 - 64].map((base) => ({ base, ...shape })));
  const second = new Int32Array(bytes.buffer, bytesOf(cacheRecord));
  expect(second[wordsIn(cacheRecord).headDim]).toBe(shape.headDim);
});

test('fields that are left blank are zeros', () => {
  const bytes = recordEncoder(matrixRecord)([{ ...blankOf(matrixRecord), kernel: 'any', levelStep: 0.5 }]);
  expect(bytes.length).toBe(4 * wordsOf(matrixRecord));
  const found = readRecord(matrixRecord, bytes, 0);
  const { kernel, levelStep, ...others } = found;
  expect({ kernel, levelStep }).toEqual({ kernel: 7, levelStep: 0.5 });
  expect(new Set(Object.values(others))).toEqual(new Set([0]));
});
