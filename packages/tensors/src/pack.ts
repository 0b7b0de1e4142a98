// Codes of 4 bits, two to a byte, and of 8 bits as they are. The order of the nibbles is an argument, never an assumption.
//   highFirst   byte i = code[2i] << 4 | code[2i + 1]         bitsandbytes
//   lowFirst    byte i = code[2i] | code[2i + 1] << 4         compressed-tensors, GPTQ
//   splitHalves byte 16g + j = code[32g + j] | code[32g + j + 16] << 4    ggml; a last group of fewer than 32 codes still
//               takes 16 bytes
// Nibbles that belong to no code are written 0.
import { MoeqError } from './errors.js';
import type { CodeOrder } from './layout.js';

/** Codes of one group of `splitHalves`, and the bytes that it takes. */
const groupCodes = 32;
const groupBytes = 16;

/** Bytes that `count` codes take. */
export function packedLength(count: number, bits: 4 | 8, order: CodeOrder): number {
  if (bits === 8) return count;
  return order === 'splitHalves' ? Math.ceil(count / groupCodes) * groupBytes : Math.ceil(count / 2);
}

function assertRoom(operation: string, needed: number, found: number): void {
  if (found >= needed) return;
  throw new MoeqError({
    operation,
    subject: 'codes',
    expected: `at least ${needed} bytes`,
    found: `${found}`,
  });
}

/**
 * Codes, one a byte, to packed bytes.
 * @param codes each below 2^bits
 * @param out written and returned when given; packedLength(codes.length, bits, order) bytes or more
 * @throws MoeqError when `out` is too short or a code has more than `bits` bits
 */
export function packCodes(codes: Uint8Array, bits: 4 | 8, order: CodeOrder, out?: Uint8Array): Uint8Array {
  const length = packedLength(codes.length, bits, order);
  const packed = out ?? new Uint8Array(length);
  assertRoom('pack', length, packed.length);
  if (bits === 8) {
    packed.set(codes);
    return packed;
  }
  let seen = 0;
  for (let i = 0; i < codes.length; i++) seen |= codes[i] as number;
  if (seen > 15) {
    const index = codes.findIndex((code) => code > 15);
    throw new MoeqError({
      operation: 'pack',
      subject: `code ${index}`,
      expected: 'at most 15 in 4 bits',
      found: `${codes[index]}`,
    });
  }
  if (order === 'splitHalves') packHalves(codes, packed);
  else packPairs(codes, packed, order === 'highFirst' ? 4 : 0);
  return packed;
}

function packPairs(codes: Uint8Array, packed: Uint8Array, firstShift: 0 | 4): void {
  const secondShift = 4 - firstShift;
  const pairs = codes.length >>> 1;
  for (let i = 0; i < pairs; i++) {
    packed[i] = ((codes[2 * i] as number) << firstShift) | ((codes[2 * i + 1] as number) << secondShift);
  }
  if (codes.length % 2 === 1) packed[pairs] = (codes[codes.length - 1] as number) << firstShift;
}

function packHalves(codes: Uint8Array, packed: Uint8Array): void {
  const bytes = packedLength(codes.length, 4, 'splitHalves');
  for (let i = 0; i < bytes; i++) {
    const first = (i >>> 4) * groupCodes + (i & 15);
    packed[i] = (codes[first] ?? 0) | ((codes[first + groupBytes] ?? 0) << 4);
  }
}

/**
 * Packed bytes to codes, one a byte.
 * @param count codes to unpack
 * @param out written and returned when given; `count` bytes or more
 * @throws MoeqError when `packed` holds fewer codes or `out` is too short
 */
export function unpackCodes(
  packed: Uint8Array,
  count: number,
  bits: 4 | 8,
  order: CodeOrder,
  out?: Uint8Array,
): Uint8Array {
  assertRoom('unpack', packedLength(count, bits, order), packed.length);
  const codes = out ?? new Uint8Array(count);
  assertRoom('unpack', count, codes.length);
  if (bits === 8) codes.set(packed.subarray(0, count));
  else if (order === 'splitHalves') unpackHalves(packed, count, codes);
  else unpackPairs(packed, count, order === 'highFirst' ? 4 : 0, codes);
  return codes;
}

function unpackPairs(packed: Uint8Array, count: number, firstShift: 0 | 4, codes: Uint8Array): void {
  const secondShift = 4 - firstShift;
  const pairs = Math.floor(count / 2);
  for (let i = 0; i < pairs; i++) {
    const pair = packed[i] as number;
    codes[2 * i] = (pair >>> firstShift) & 15;
    codes[2 * i + 1] = (pair >>> secondShift) & 15;
  }
  if (count % 2 === 1) codes[count - 1] = ((packed[pairs] as number) >>> firstShift) & 15;
}

function unpackHalves(packed: Uint8Array, count: number, codes: Uint8Array): void {
  for (let i = 0; i < count; i++) {
    const within = i & 31;
    const byte = packed[(i >>> 5) * groupBytes + (within & 15)] as number;
    codes[i] = (byte >>> (within & 16 ? 4 : 0)) & 15;
  }
}
