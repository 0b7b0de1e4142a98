// Changes to bytes that know nothing of their meaning, and changes to the numbers in a text.
import type { Random } from './random.ts';

/** Inputs stay small: what is slow or large must be so in spite of that. */
export const maxInputBytes = 1 << 16;

const integers = [
  0n,
  1n,
  -1n,
  2n,
  7n,
  32n,
  64n,
  127n,
  255n,
  1n << 15n,
  1n << 31n,
  1n << 32n,
  1n << 53n,
  1n << 63n,
];

const numbers =
  '0 1 2 3 4 8 16 -1 0.5 1e9 1e308 1e999 -0 65536 4294967296 9007199254740992 18446744073709551615'.split(
    ' ',
  );

type Mutation = (
  bytes: Uint8Array,
  random: Random,
  other: Uint8Array,
  words: readonly string[],
) => Uint8Array;

const splice = (bytes: Uint8Array, at: number, removed: number, inserted: Uint8Array): Uint8Array => {
  const out = new Uint8Array(bytes.length - removed + inserted.length);
  out.set(bytes.subarray(0, at));
  out.set(inserted, at);
  out.set(bytes.subarray(at + removed), at + inserted.length);
  return out;
};

const someOf = (bytes: Uint8Array, random: Random): Uint8Array => {
  const start = random.below(bytes.length);
  return bytes.subarray(start, start + 1 + random.below(Math.min(64, bytes.length - start)));
};

const anyByte: Mutation = (bytes, random) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.below(out.length)] = random.below(256);
  return out;
};

const anyLetter: Mutation = (bytes, random) => {
  const out = bytes.slice();
  if (out.length > 0) out[random.below(out.length)] = 32 + random.below(95);
  return out;
};

const anyBit: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const at = random.below(out.length);
  if (out.length > 0) out[at] = (out[at] as number) ^ (1 << random.below(8));
  return out;
};

/** A whole number with a reputation, of 1 to 8 bytes, little-endian. */
const integer: Mutation = (bytes, random) => {
  const out = bytes.slice();
  const size = random.pick([1, 2, 4, 8]);
  const value = new DataView(new ArrayBuffer(8));
  value.setBigInt64(0, BigInt.asIntN(64, random.pick(integers)), true);
  if (out.length >= size) out.set(new Uint8Array(value.buffer, 0, size), random.below(out.length - size + 1));
  return out;
};

const remove: Mutation = (bytes, random) => {
  const at = random.below(bytes.length);
  return splice(bytes, at, Math.min(1 + random.below(64), bytes.length - at), new Uint8Array());
};

const repeat: Mutation = (bytes, random) => {
  const part = someOf(bytes, random);
  const times = random.pick([1, 2, 16, 200]);
  const many = new Uint8Array(part.length * times);
  for (let i = 0; i < times; i++) many.set(part, i * part.length);
  return splice(bytes, random.below(bytes.length + 1), 0, many);
};

const cut: Mutation = (bytes, random) => bytes.slice(0, random.below(bytes.length));

const cross: Mutation = (bytes, random, other) =>
  splice(bytes, random.below(bytes.length + 1), 0, someOf(other, random));

const join: Mutation = (bytes, random, other) => {
  const at = random.below(bytes.length + 1);
  return splice(bytes, at, bytes.length - at, other.slice(random.below(other.length + 1)));
};

const word: Mutation = (bytes, random, _, words) => {
  const inserted = new TextEncoder().encode(words.length === 0 ? '0' : random.pick(words));
  const at = random.below(bytes.length + 1);
  return splice(bytes, at, random.below(2) * Math.min(inserted.length, bytes.length - at), inserted);
};

const number: Mutation = (bytes, random) => {
  const text = new TextDecoder('latin1').decode(bytes);
  const found = [...text.matchAll(/\d+(\.\d+)?/g)];
  if (found.length === 0) return bytes;
  const digits = random.pick(found);
  const value = new TextEncoder().encode(random.pick(numbers));
  return splice(bytes, digits.index, digits[0].length, value);
};

const mutations = [anyByte, anyLetter, anyBit, integer, remove, repeat, cut, cross, join, word, number];

/**
 * @param other another input, whose parts may be taken over
 * @param words of the format
 */
export const mutateBytes: Mutation = (bytes, random, other, words) =>
  random.pick(mutations)(bytes, random, other, words).slice(0, maxInputBytes);
