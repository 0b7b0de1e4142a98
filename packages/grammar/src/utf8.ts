// Sets of characters as edges over the bytes of their UTF-8: a range of code points is cut where the number of bytes
// changes and where leading bytes differ (the algorithm of Rust's utf8-ranges). Surrogates are no characters.
import type { GrammarBuilder, Part } from './grammar.js';

/** Code points from first to last, both included. */
export type CodeRange = readonly [first: number, last: number];

export const maxCodePoint = 0x10ffff;
const surrogates: CodeRange = [0xd800, 0xdfff];

/** One character of a set. */
export function character(builder: GrammarBuilder, ranges: readonly CodeRange[]): Part {
  return (from) => {
    const end = builder.state();
    for (const range of subtract(ranges, [surrogates])) addRange(builder, from, range, end);
    return end;
  };
}

/** The set without those of another, sorted and without overlap. */
export function subtract(ranges: readonly CodeRange[], without: readonly CodeRange[]): CodeRange[] {
  let left = union(ranges);
  for (const [first, last] of without) {
    left = left.flatMap(([low, high]): CodeRange[] => {
      const parts: CodeRange[] = [
        [low, Math.min(high, first - 1)],
        [Math.max(low, last + 1), high],
      ];
      return parts.filter(([a, b]) => a <= b);
    });
  }
  return left;
}

/** Sorted and without overlap. */
function union(ranges: readonly CodeRange[]): CodeRange[] {
  const result: [number, number][] = [];
  for (const [first, last] of [...ranges].sort((a, b) => a[0] - b[0])) {
    const before = result.at(-1);
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last);
    else result.push([first, last]);
  }
  return result;
}

/** Last code points of one, two, three and four bytes. */
const lastOfLength = [0x7f, 0x7ff, 0xffff, maxCodePoint];

function addRange(builder: GrammarBuilder, from: number, [first, last]: CodeRange, end: number): void {
  const cut = lastOfLength.find((boundary) => first <= boundary && boundary < last);
  if (cut !== undefined) {
    addRange(builder, from, [first, cut], end);
    addRange(builder, from, [cut + 1, last], end);
    return;
  }
  addBytes(builder, from, encode(first), encode(last), end);
}

/** All byte strings from `low` to `high`, of one length, whose bytes behind the first are continuations. */
function addBytes(
  builder: GrammarBuilder,
  from: number,
  low: readonly number[],
  high: readonly number[],
  end: number,
): void {
  const [a = 0, ...lowRest] = low;
  const [b = 0, ...highRest] = high;
  if (lowRest.length === 0) {
    builder.edge(from, a, b, end);
  } else if (a === b) {
    addBytes(builder, builder.edge(from, a, a), lowRest, highRest, end);
  } else {
    const least = lowRest.map(() => 0x80);
    const most = lowRest.map(() => 0xbf);
    const wholeLow = lowRest.every((byte) => byte === 0x80);
    const wholeHigh = highRest.every((byte) => byte === 0xbf);
    if (!wholeLow) addBytes(builder, builder.edge(from, a, a), lowRest, most, end);
    if (!wholeHigh) addBytes(builder, builder.edge(from, b, b), least, highRest, end);
    const first = wholeLow ? a : a + 1;
    const last = wholeHigh ? b : b - 1;
    if (first <= last) addBytes(builder, builder.edge(from, first, last), least, most, end);
  }
}

function encode(code: number): number[] {
  return [...new TextEncoder().encode(String.fromCodePoint(code))];
}
