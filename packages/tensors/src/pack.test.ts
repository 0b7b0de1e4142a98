import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CodeOrder } from './layout.js';
import { packCodes, packedLength, unpackCodes } from './pack.js';

const orders: CodeOrder[] = ['highFirst', 'lowFirst', 'splitHalves'];

describe('hand values', () => {
  test('highFirst puts the even element in the high nibble', () => {
    expect([...packCodes(Uint8Array.of(1, 2, 3, 4, 5), 4, 'highFirst')]).toEqual([0x12, 0x34, 0x50]);
  });

  test('lowFirst puts the even element in the low nibble', () => {
    expect([...packCodes(Uint8Array.of(1, 2, 3, 4, 5), 4, 'lowFirst')]).toEqual([0x21, 0x43, 0x05]);
  });

  test('splitHalves puts element j and j + 16 of 32 into byte j', () => {
    const codes = Uint8Array.from({ length: 34 }, (_, i) => (i < 16 ? i : (63 - i) % 16));
    const packed = packCodes(codes, 4, 'splitHalves');
    expect([...packed.subarray(0, 16)]).toEqual(Array.from({ length: 16 }, (_, j) => j | ((15 - j) << 4)));
    expect([...packed.subarray(16)]).toEqual([15, 14, ...Array(14).fill(0)]);
  });

  test('8 bits are copied', () => {
    const codes = Uint8Array.of(0, 255, 128);
    const packed = packCodes(codes, 8, 'lowFirst');
    expect(packed).toEqual(codes);
    expect(packed).not.toBe(codes);
  });
});

describe.each(orders)('%s', (order) => {
  const counts = fc.integer({ min: 0, max: 100 });

  test('law: pack then unpack is the identity, for any count', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100, max: 15 }), (codes) => {
        const packed = packCodes(codes, 4, order);
        expect(packed).toHaveLength(packedLength(codes.length, 4, order));
        expect(unpackCodes(packed, codes.length, 4, order)).toEqual(codes);
      }),
    );
  });

  test('law: unpack then pack is the identity on whole groups', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 48, maxLength: 48 }), (packed) => {
        expect(packCodes(unpackCodes(packed, 96, 4, order), 4, order)).toEqual(packed);
      }),
    );
  });

  test('law: into larger outputs, nothing past the codes is touched', () => {
    fc.assert(
      fc.property(counts, (count) => {
        const codes = new Uint8Array(count).fill(9);
        const length = packedLength(count, 4, order);
        const packed = packCodes(codes, 4, order, new Uint8Array(length + 3).fill(0xee));
        expect([...packed.subarray(length)]).toEqual([0xee, 0xee, 0xee]);
        const out = unpackCodes(packed, count, 4, order, new Uint8Array(count + 3).fill(0xdd));
        expect([...out]).toEqual([...codes, 0xdd, 0xdd, 0xdd]);
      }),
    );
  });

  test('refuses too little room, too few bytes, and codes of more than 4 bits', () => {
    const codes = new Uint8Array(33);
    expect(() => packCodes(codes, 4, order, new Uint8Array(16))).toThrow(/at least \d+ bytes, found 16/);
    expect(() => unpackCodes(new Uint8Array(16), 33, 4, order)).toThrow(/at least \d+ bytes, found 16/);
    expect(() => unpackCodes(new Uint8Array(32), 33, 4, order, new Uint8Array(32))).toThrow(
      /at least 33 bytes/,
    );
    codes[7] = 16;
    expect(() => packCodes(codes, 4, order)).toThrow(
      'code 7: cannot pack: expected at most 15 in 4 bits, found 16',
    );
  });
});
