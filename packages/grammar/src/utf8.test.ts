import fc from 'fast-check';
import { expect, test } from 'vitest';
import { GrammarBuilder } from './grammar.js';
import { type Position, Recognizer } from './recognizer.js';
import { character, maxCodePoint, subtract } from './utf8.js';

const code = fc.oneof(
  fc.nat({ max: maxCodePoint }),
  fc.constantFrom(0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xffff, 0x10000, maxCodePoint),
);

test('a set of characters takes those and no others, and no bytes that are no UTF-8', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(code, code), { minLength: 1, maxLength: 4 }),
      fc.array(code, { minLength: 20, maxLength: 20 }),
      (pairs, probes) => {
        const ranges = pairs.map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
        const builder = new GrammarBuilder();
        const recognizer = new Recognizer(builder.build(builder.rule(character(builder, ranges))));
        const takes = (bytes: Iterable<number>) => {
          let position: Position | null = recognizer.start;
          for (const byte of bytes) position = position === null ? null : recognizer.step(position, byte);
          return position?.accepting === true;
        };
        for (const probe of [...probes, ...ranges.flat()]) {
          if (probe >= 0xd800 && probe <= 0xdfff) continue;
          const inside = ranges.some(([low, high]) => low <= probe && probe <= high);
          expect(takes(new TextEncoder().encode(String.fromCodePoint(probe)))).toBe(inside);
        }
        for (const broken of [[0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0x80], [0xff]]) {
          expect(takes(broken)).toBe(false);
        }
      },
    ),
  );
});

test('sets without others', () => {
  expect(
    subtract(
      [
        [0, 9],
        [5, 20],
      ],
      [
        [3, 3],
        [8, 12],
      ],
    ),
  ).toEqual([
    [0, 2],
    [4, 7],
    [13, 20],
  ]);
});
