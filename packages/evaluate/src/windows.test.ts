import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { textWindows } from './windows.js';

const settings = fc
  .record({
    tokens: fc.nat({ max: 300 }),
    window: fc.integer({ min: 2, max: 60 }),
    part: fc.double({ min: 0, max: 1, noNaN: true }),
  })
  .map(({ tokens, window, part }) => ({ tokens, window, stride: 1 + Math.floor(part * (window - 1)) }));

describe('windows', () => {
  test('of stride = window cut the text; all but the first of each is scored', () => {
    expect(textWindows(11, { window: 4, stride: 4 })).toEqual([
      { first: 0, end: 4, fresh: 0, scored: 1 },
      { first: 4, end: 8, fresh: 4, scored: 5 },
      { first: 8, end: 11, fresh: 8, scored: 9 },
    ]);
  });

  test('of a smaller stride score what no earlier window held', () => {
    expect(textWindows(11, { window: 6, stride: 4 })).toEqual([
      { first: 0, end: 6, fresh: 0, scored: 1 },
      { first: 4, end: 10, fresh: 6, scored: 6 },
      { first: 8, end: 11, fresh: 10, scored: 10 },
    ]);
  });

  test('a last window of one token does not count', () => {
    expect(textWindows(9, { window: 4, stride: 4 })).toHaveLength(2);
    expect(textWindows(1, { window: 4, stride: 4 })).toEqual([]);
    expect(textWindows(2, { window: 4, stride: 4 })).toEqual([{ first: 0, end: 2, fresh: 0, scored: 1 }]);
  });

  test('hold every token within reach, each fresh and scored at most once, in order', () => {
    fc.assert(
      fc.property(settings, ({ tokens, window, stride }) => {
        const windows = textWindows(tokens, { window, stride });
        const fresh = windows.flatMap(({ fresh, end }) => range(fresh, end));
        const scored = windows.flatMap(({ scored, end }) => range(scored, end));
        expect(new Set(fresh).size).toBe(fresh.length);
        // With stride = window a last token can stand alone; else every token but the first is scored.
        const missing = range(0, tokens).filter((token) => !fresh.includes(token));
        expect(missing.length).toBeLessThanOrEqual(tokens % window === 1 || tokens === 1 ? 1 : 0);
        const expected = range(0, tokens).filter((token) =>
          stride === window ? token % window > 0 : token > 0,
        );
        expect(scored).toEqual(expected);
        for (const { first, end, scored: from } of windows) {
          expect(end - first).toBeLessThanOrEqual(window);
          expect(first % stride).toBe(0);
          expect(from).toBeGreaterThan(first);
          // What a scored token sees: the whole overlap, except in the first window.
          if (first > 0) expect(from - first).toBeGreaterThanOrEqual(Math.max(1, window - stride));
        }
      }),
      { numRuns: 300 },
    );
  });

  test('of no size, or a stride that skips, are refused', () => {
    for (const [window, stride] of [
      [1, 1],
      [0, 0],
      [2.5, 1],
      [4, 0],
      [4, 5],
      [4, Number.NaN],
    ] as const)
      expect(() => textWindows(10, { window, stride })).toThrow(
        /option (window|stride): .* an integer (from|of at least)/,
      );
  });
});

function range(first: number, end: number): number[] {
  return Array.from({ length: Math.max(0, end - first) }, (_, index) => first + index);
}
