// Sets of characters as patterns write them: `[a-z]`, `\d`, `\u{1f600}`, `\p{L}`.
import type { MoeqError } from '@moeq/tensors';
import { finished, Pace, type Pausing } from '../slices.js';
import { type CodeRange, complement, maxCodePoint } from './characters.js';
import type { Cursor } from './cursor.js';

const digit: readonly CodeRange[] = [[0x30, 0x39]];
const word: readonly CodeRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const space: readonly CodeRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const classes: Readonly<Record<string, readonly CodeRange[]>> = {
  d: digit,
  D: complement(digit),
  w: word,
  W: complement(word),
  s: space,
  S: complement(space),
};
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

/** What stands behind `[`, up to and with `]`. @throws MoeqError for what is not supported */
export function parseSet(cursor: Cursor): readonly CodeRange[] {
  const inverted = cursor.take('^');
  const ranges: CodeRange[] = [];
  while (!cursor.take(']')) {
    const first = item(cursor);
    const single = first.length === 1 && first[0]?.[0] === first[0]?.[1];
    if (!single || cursor.match(/^-(?!\])/) === null) {
      ranges.push(...first);
      continue;
    }
    const [low] = first[0] as CodeRange;
    const [, high] = item(cursor).at(-1) as CodeRange;
    ranges.push([low, high]);
  }
  return inverted ? complement(ranges) : ranges;
}

function item(cursor: Cursor): readonly CodeRange[] {
  const next = cursor.next();
  if (next === '\\') return cursor.take('b') ? [[8, 8]] : parseClassEscape(cursor);
  const code = next.codePointAt(0) ?? 0;
  return [[code, code]];
}

/** What stands behind a backslash. @throws MoeqError for boundaries and references */
export function parseClassEscape(cursor: Cursor): readonly CodeRange[] {
  const next = cursor.next();
  const known = Object.hasOwn(classes, next) ? classes[next] : undefined;
  if (known !== undefined) return known;
  if (next === 'p' || next === 'P') return property(cursor, next);
  if (next === 'x' || next === 'u') {
    const hex = cursor.match(next === 'x' ? /^([0-9a-f]{2})/i : /^(?:([0-9a-f]{4})|\{([0-9a-f]{1,6})\})/i);
    const code = Number.parseInt(hex?.[1] ?? hex?.[2] ?? '', 16);
    const low = code >= 0xd800 && code < 0xdc00 ? cursor.match(/^\\u(d[c-f][0-9a-f]{2})/i) : null;
    if (low === null) return [[code, code]];
    const pair = String.fromCharCode(code, Number.parseInt(low[1] ?? '', 16)).codePointAt(0) ?? 0;
    return [[pair, pair]];
  }
  const control = Object.hasOwn(controls, next) ? controls[next] : undefined;
  if (control !== undefined) return [[control, control]];
  if (/[A-Za-z1-9]/.test(next)) {
    throw cursor.refuse('no look-behind, word boundaries (\\b) or references to groups (\\1)');
  }
  const code = next.codePointAt(0) ?? 0;
  return [[code, code]];
}

/** By how they are written, the one used longest ago first. */
const properties = new Map<string, readonly CodeRange[]>();
/** Properties of one pattern; of the last few patterns they are remembered, as each asks for every character once. */
const maxInPattern = 16;
const maxProperties = 64;
const written = /\\[pP]\{[\w=]{1,70}\}/g;

/** Asks for the characters of the properties in a pattern, in slices; reading the pattern finds them then. */
export function* prepareProperties(source: string, refuse: (expected: string) => MoeqError): Pausing<void> {
  const found = new Set(Array.from(source.matchAll(written), ([text]) => text));
  if (found.size > maxInPattern) throw refuse(`at most ${maxInPattern} properties of characters`);
  for (const text of found) {
    const ranges = properties.get(text) ?? (isProperty(text) ? yield* rangesOf(text) : null);
    if (ranges !== null) remember(text, ranges);
  }
}

/** Beside an escaped backslash, or with a name that is none, it only looks like one. */
function isProperty(source: string): boolean {
  try {
    return new RegExp(source, 'u').unicode;
  } catch {
    return false;
  }
}

function remember(source: string, ranges: readonly CodeRange[]): void {
  properties.delete(source);
  properties.set(source, ranges);
  for (const oldest of properties.keys()) {
    if (properties.size <= maxProperties) break;
    properties.delete(oldest);
  }
}

/** The characters of a Unicode property, asked of the engine's own expressions. */
function property(cursor: Cursor, letter: string): readonly CodeRange[] {
  const name = cursor.match(/^\{[\w=]{1,70}\}/)?.[0];
  if (name === undefined) throw cursor.refuse('a property in braces');
  const source = `\\${letter}${name}`;
  const known = properties.get(source);
  if (known !== undefined) return known;
  const ranges = finished(rangesOf(source));
  remember(source, ranges);
  return ranges;
}

/** Characters that are asked for at once. */
const charactersPerText = 2048;

/** The characters of a property. */
function* rangesOf(source: string): Pausing<readonly CodeRange[]> {
  const runs = new RegExp(`${source}+`, 'gu');
  const pace = new Pace();
  const ranges: [number, number][] = [];
  for (let first = 0; first <= maxCodePoint; first += charactersPerText) {
    // Surrogates are no characters: as lone halves they are left out.
    if (first >= 0xd800 && first < 0xe000) continue;
    const text = String.fromCodePoint(...Array.from({ length: charactersPerText }, (_, at) => first + at));
    const width = first < 0x10000 ? 1 : 2;
    for (const { 0: run, index } of text.matchAll(runs)) {
      const low = first + index / width;
      const high = low + run.length / width - 1;
      const before = ranges.at(-1);
      if (before?.[1] === low - 1) before[1] = high;
      else ranges.push([low, high]);
    }
    if (pace.due(64)) yield;
  }
  return ranges;
}
