// Decimal numbers within bounds, as automata over their digits. Numbers are counted in units of 10^-decimals: with two
// decimals, 150 is written `1.50`. Among numbers of one length the order is that of their digits, so each length needs two
// rows of states: those that still follow the lower bound, and those that still follow the upper one.
import type { GrammarBuilder, Part } from './grammar.js';

export interface DecimalRange {
  /** In units, whole; both included. */
  readonly low: number;
  readonly high: number;
  readonly decimals: number;
}

/** Numbers from low to high, negative ones with a minus; no zero below zero. */
export function decimals(builder: GrammarBuilder, { low, high, decimals: places }: DecimalRange): Part {
  const parts: Part[] = [];
  if (low < 0) {
    const negative = natural(builder, Math.max(1, -high), -low, places);
    parts.push(builder.sequence(builder.text('-'), negative));
  }
  if (high >= 0) parts.push(natural(builder, Math.max(0, low), high, places));
  return builder.choice(parts);
}

function natural(builder: GrammarBuilder, low: number, high: number, places: number): Part {
  const parts: Part[] = [];
  const shortest = Math.max(String(low).length, places + 1);
  const longest = Math.max(String(high).length, places + 1);
  for (let length = shortest; length <= longest; length += 1) {
    // Where the integer part has several digits its first one is no zero.
    const least = length > places + 1 ? Math.max(low, 10 ** (length - 1)) : low;
    const most = Math.min(high, 10 ** length - 1);
    if (least > most) continue;
    const digits = (value: number) => [...String(value).padStart(length, '0')].map(Number);
    parts.push((from) => between(builder, from, digits(least), digits(most), length - places));
  }
  return builder.choice(parts);
}

/** Digits from `low` to `high`, of one length; the point stands before index `point`. */
function between(
  builder: GrammarBuilder,
  from: number,
  low: readonly number[],
  high: readonly number[],
  point: number,
): number {
  const end = builder.state();
  const write = (at: number, index: number, lower: boolean, upper: boolean): void => {
    if (index === low.length) {
      builder.link(at, end);
      return;
    }
    const first = lower ? (low[index] ?? 0) : 0;
    const last = upper ? (high[index] ?? 9) : 9;
    const start = index === point ? builder.edge(at, 0x2e, 0x2e) : at;
    const digit = (a: number, b: number) => builder.edge(start, 0x30 + a, 0x30 + b);
    if (!lower && !upper) {
      write(digit(0, 9), index + 1, false, false);
    } else if (first === last) {
      write(digit(first, last), index + 1, lower, upper);
    } else {
      write(digit(first, first), index + 1, lower, false);
      write(digit(last, last), index + 1, false, upper);
      if (first + 1 <= last - 1) write(digit(first + 1, last - 1), index + 1, false, false);
    }
  };
  write(from, 0, true, true);
  return end;
}
