// Decimal numbers within bounds, multiples of a number, and other than some, as an automaton over their text. For each
// bound a state holds how the digits so far compare with the bound's; for each divisor the remainder of the digits so far.
import type { Pausing } from '../slices.js';
import type { CodeRange } from './characters.js';
import { classesOfFew } from './characters.js';
import type { Decimal } from './decimal.js';
import { type Automaton, explore } from './explore.js';

export interface NumberTexts {
  readonly integer: boolean;
  readonly comparisons: readonly Comparison[];
  readonly divisors: readonly Divisor[];
  /** Digits before and behind the point, at most. */
  readonly wholeDigits: number;
  readonly fractionDigits: number;
  /** Each number has one spelling: no zeros at the end of a fraction. */
  readonly canonical: boolean;
}

export interface Comparison {
  readonly bound: Decimal;
  /** What a number may be, compared with the bound. */
  readonly less: boolean;
  readonly equal: boolean;
  readonly greater: boolean;
}

/** unit * 10^-places. */
export interface Divisor {
  readonly unit: number;
  readonly places: number;
}

interface Reading {
  readonly phase: 'start' | 'minus' | 'zero' | 'whole' | 'point' | 'fraction';
  readonly negative: boolean;
  /** Digits of the part that is read. */
  readonly digits: number;
  /** Some digit is not zero; the last one is. */
  readonly nonzero: boolean;
  readonly trailing: boolean;
  /** Of the magnitude with each bound's, as far as it was read: -1, 0, 1. */
  readonly orders: readonly number[];
  readonly remainders: readonly number[];
}

const characters = [...'0123456789-.'];
const classes = classesOfFew(
  characters.map((each): CodeRange[] => [[each.charCodeAt(0), each.charCodeAt(0)]]),
);
/** Remainders times digits: a table of 2 MB. */
const maxStates = 40_000;

/** @returns null where there is no such number; `tooLarge` where there are too many remainders */
export function numberAutomaton(texts: NumberTexts): Pausing<Automaton | null | 'tooLarge'> {
  const start: Reading = {
    phase: 'start',
    negative: false,
    digits: 0,
    nonzero: false,
    trailing: false,
    orders: texts.comparisons.map(() => 0),
    remainders: texts.divisors.map(() => 0),
  };
  return explore(
    {
      start,
      key: ({ phase, negative, digits, nonzero, trailing, orders, remainders }) =>
        `${phase}${negative}${digits}${nonzero}${trailing}${orders.join()};${remainders.join()}`,
      step: (reading, _class, code) => step(texts, reading, String.fromCharCode(code)),
      label: (reading) => (fits(texts, reading) ? 0 : -1),
    },
    classes,
    maxStates,
  );
}

function step(texts: NumberTexts, reading: Reading, character: string): Reading | null {
  const { phase } = reading;
  if (character === '-') return phase === 'start' ? { ...reading, phase: 'minus', negative: true } : null;
  if (character === '.') {
    const whole = phase === 'zero' || phase === 'whole';
    if (!whole || texts.integer || texts.fractionDigits === 0) return null;
    return { ...reading, phase: 'point', digits: 0, orders: ordersOfWhole(texts, reading) };
  }
  const digit = character.charCodeAt(0) - 0x30;
  if (digit < 0 || digit > 9 || phase === 'zero') return null;
  const fraction = phase === 'point' || phase === 'fraction';
  if (reading.digits >= (fraction ? texts.fractionDigits : texts.wholeDigits)) return null;
  const first = phase === 'start' || phase === 'minus';
  return {
    phase: fraction ? 'fraction' : first && digit === 0 ? 'zero' : 'whole',
    negative: reading.negative,
    digits: reading.digits + 1,
    nonzero: reading.nonzero || digit !== 0,
    trailing: fraction && digit === 0,
    orders: texts.comparisons.map(({ bound }, index) => {
      const known = reading.orders[index] as number;
      if (known !== 0) return known;
      const other = (fraction ? bound.fraction : bound.whole)[reading.digits];
      // A whole part that is longer than the bound's is greater.
      if (other === undefined) return fraction ? Math.sign(digit) : 1;
      return Math.sign(digit - Number(other));
    }),
    remainders: texts.divisors.map(
      ({ unit }, index) => ((reading.remainders[index] as number) * 10 + digit) % unit,
    ),
  };
}

/** Orders once the length of the whole part is known, which counts before any digit. */
function ordersOfWhole({ comparisons }: NumberTexts, { digits, orders }: Reading): number[] {
  return comparisons.map(({ bound }, index) => {
    const difference = digits - bound.whole.length;
    return difference === 0 ? (orders[index] as number) : Math.sign(difference);
  });
}

function fits(texts: NumberTexts, reading: Reading): boolean {
  const { phase, negative, nonzero, trailing } = reading;
  if (phase === 'start' || phase === 'minus' || phase === 'point' || (negative && !nonzero)) return false;
  if (texts.canonical && trailing) return false;
  const inFraction = phase === 'fraction';
  const orders = inFraction ? reading.orders : ordersOfWhole(texts, reading);
  const read = inFraction ? reading.digits : 0;
  return (
    texts.comparisons.every(({ bound, ...allowed }, index) => {
      const magnitude = orders[index] || (read < bound.fraction.length ? -1 : 0);
      const order = negative === bound.negative ? (negative ? -magnitude : magnitude) : negative ? -1 : 1;
      return order < 0 ? allowed.less : order > 0 ? allowed.greater : allowed.equal;
    }) &&
    texts.divisors.every(({ unit, places }, index) => {
      const scaled = (reading.remainders[index] as number) * 10 ** Math.max(0, places - read);
      return read <= places && scaled % unit === 0;
    })
  );
}
