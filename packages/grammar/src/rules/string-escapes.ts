// Escapes of JSON strings: what characters those lead to that begin in a given way.
import type { CodeRange } from '../automata/characters.js';

/** `canonical`: as JSON.stringify writes them, one for each text; `any`: with every escape that JSON has. */
export type Spelling = 'canonical' | 'any';

export interface Escaped {
  readonly ranges: readonly CodeRange[];
  /** The escape is at its end; there is one character then. */
  readonly complete: boolean;
}

const short: Readonly<Record<string, number>> = {
  '"': 0x22,
  '\\': 0x5c,
  '/': 0x2f,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
};
/** Control characters without a short escape. */
const controls: readonly CodeRange[] = [
  [0, 7],
  [11, 11],
  [14, 31],
];
const canonicalStart: readonly CodeRange[] = [
  [0, 31],
  [0x22, 0x22],
  [0x5c, 0x5c],
];
const anyStart: readonly CodeRange[] = [[0, 0x10ffff]];

/** @param read what stands behind the first backslash; null: no escape begins so */
export function escaped(read: string, spelling: Spelling): Escaped | null {
  if (read === '') return { ranges: spelling === 'any' ? anyStart : canonicalStart, complete: false };
  if (Object.hasOwn(short, read)) {
    if (read === '/' && spelling === 'canonical') return null;
    const code = short[read] as number;
    return { ranges: [[code, code]], complete: true };
  }
  const [, digits, low] =
    /^u([0-9a-fA-F]{0,4})(?:(?<=u[dD][89abAB]..)(\\(?:u[0-9a-fA-F]{0,4})?))?$/.exec(read) ?? [];
  if (digits === undefined) return null;
  const [first, last] = unitRange(digits);
  if (spelling === 'canonical') {
    if (/[A-F]/.test(digits)) return null;
    return { ranges: clip(controls, first, last), complete: digits.length === 4 };
  }
  const high = first >= 0xd800 && last <= 0xdbff && digits.length === 4;
  if (high) return pair(first, low ?? '');
  const ranges = [
    ...clip([[0, 0xd7ff]], first, last),
    ...clip([[0xd800, 0xdbff]], first, last).map(
      ([from, to]): CodeRange => [point(from, 0xdc00), point(to, 0xdfff)],
    ),
    ...clip([[0xe000, 0xffff]], first, last),
  ];
  return { ranges, complete: digits.length === 4 };
}

/** @param read of the second escape, from its backslash on */
function pair(high: number, read: string): Escaped {
  const digits = read.slice(2);
  const [range] = clip([[0xdc00, 0xdfff]], ...unitRange(digits));
  if (range === undefined) return { ranges: [], complete: false };
  return { ranges: [[point(high, range[0]), point(high, range[1])]], complete: digits.length === 4 };
}

function unitRange(digits: string): [number, number] {
  return [Number.parseInt(digits.padEnd(4, '0'), 16), Number.parseInt(digits.padEnd(4, 'f'), 16)];
}

function point(high: number, low: number): number {
  return 0x10000 + (high - 0xd800) * 0x400 + low - 0xdc00;
}

function clip(ranges: readonly CodeRange[], first: number, last: number): CodeRange[] {
  return ranges.flatMap(([from, to]): CodeRange[] => {
    const [a, b] = [Math.max(from, first), Math.min(to, last)];
    return a <= b ? [[a, b]] : [];
  });
}
