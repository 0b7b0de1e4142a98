import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { StopStrings } from './stop-strings.js';

/** Few letters, so that stop strings happen, overlap and contain each other. */
const letters = (maxLength: number) => fc.string({ unit: fc.constantFrom('a', 'b', '\n'), maxLength });
const stops = fc.array(
  letters(4).filter(({ length }) => length > 0),
  { maxLength: 4 },
);

/** The stop string that is complete first, the longer of two. */
function naive(text: string, all: readonly string[]): { text: string; stopped: boolean } {
  for (let end = 1; end <= text.length; end += 1) {
    const lengths = all.filter((stop) => text.slice(0, end).endsWith(stop)).map(({ length }) => length);
    if (lengths.length > 0) return { text: text.slice(0, end - Math.max(...lengths)), stopped: true };
  }
  return { text, stopped: false };
}

function stream(pieces: readonly string[], all: readonly string[]): { text: string; stopped: boolean } {
  const matcher = new StopStrings(all);
  let text = '';
  for (const piece of pieces) {
    text += matcher.push(piece);
    if (matcher.stopped) return { text, stopped: true };
  }
  return { text: text + matcher.flush(), stopped: false };
}

describe('StopStrings', () => {
  test('the outcome does not depend on where the text is cut', () => {
    fc.assert(
      fc.property(
        letters(14),
        stops,
        fc.array(fc.nat({ max: 14 }), { maxLength: 8 }),
        (text, all, places) => {
          const cuts = [0, ...places.toSorted((a, b) => a - b), text.length];
          const pieces = cuts.slice(1).map((cut, index) => text.slice(cuts[index], cut));
          expect(stream(pieces, all)).toEqual(naive(text, all));
        },
      ),
      { numRuns: 3000 },
    );
  });

  test('every way to cut one text in three', () => {
    const text = 'one\n\nUser: two';
    const all = ['\n\nUser:', 'User: t', '\n\n\n'];
    for (let first = 0; first <= text.length; first += 1) {
      for (let second = first; second <= text.length; second += 1) {
        const pieces = [text.slice(0, first), text.slice(first, second), text.slice(second)];
        expect(stream(pieces, all)).toEqual({ text: 'one', stopped: true });
      }
    }
  });

  test('holds back only what may be a beginning, and lets it go when it is none', () => {
    const matcher = new StopStrings(['###']);
    expect(matcher.push('a#')).toBe('a');
    expect(matcher.push('#')).toBe('');
    expect(matcher.push('b#')).toBe('##b');
    expect(matcher.flush()).toBe('#');
  });

  test('says nothing after the stop', () => {
    const matcher = new StopStrings(['x']);
    expect(matcher.push('axb')).toBe('a');
    expect(matcher.push('c') + matcher.flush()).toBe('');
  });
});
