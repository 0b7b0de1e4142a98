// What schemas in one place say about numbers.

import { decimalOf } from '../automata/decimal.js';
import { type Comparison, type Divisor, type NumberTexts, numberAutomaton } from '../automata/number.js';
import type { Rule } from '../rule.js';
import { maxDigits, maxFraction } from '../rules/any-number.js';
import { tableRule } from '../rules/table.js';
import type { Pausing } from '../slices.js';
import type { Context } from './context.js';
import { place, refuse } from './fields.js';
import { numberFormats } from './formats.js';
import type { Joined } from './items.js';
import { excluded } from './negate.js';

/** Significant digits that tell float64 numbers apart, whatever they are. */
const distinctDigits = 15;
/** Work for a cell of a table, in parts of expressions. */
const partsPerCell = 5;
/** Digits of a bound, before the point or behind it. */
const maxBoundDigits = 40;

const kinds = {
  minimum: { less: false, equal: true, greater: true },
  exclusiveMinimum: { less: false, equal: false, greater: true },
  maximum: { less: true, equal: true, greater: false },
  exclusiveMaximum: { less: true, equal: false, greater: false },
  other: { less: true, equal: false, greater: true },
} as const;

/** The numbers that fit. @throws MoeqError for bounds that are no numbers, or divisors with too many remainders */
export function* numberRule(
  items: readonly Joined[],
  integer: boolean,
  canonical: boolean,
  context: Context,
): Pausing<Rule> {
  const texts = numberTexts(items, integer, canonical);
  if (texts === null) return integer ? context.json.integer : context.json.number;
  const key = JSON.stringify(texts);
  const known = context.automata.get(key);
  if (known !== undefined) return tableRule(known);
  const found = yield* numberAutomaton(texts);
  const path = items[0]?.path ?? '';
  if (found === 'tooLarge')
    throw refuse(path, 'a multipleOf with fewer remainders, or a bound beside it', 'too many');
  if (found !== null) {
    context.work(found.table.length * partsPerCell, path);
    context.charge(found, path);
  }
  context.automata.set(key, found);
  return context.add(tableRule(found, `${path}: bounds that no number lies between`));
}

/** Whether a number is one of those that fit. */
export function hasNumber(items: readonly Joined[], value: number): boolean {
  const { fraction, negative, whole } = decimalOf(value);
  return (
    items.flatMap(comparisonsOf).every(({ bound, equal, greater, less }) => {
      const other = Number(`${bound.negative ? '-' : ''}${bound.whole}.${bound.fraction}`);
      return value < other ? less : value > other ? greater : equal;
    }) &&
    items.flatMap(divisorsOf).every(({ places, unit }) => {
      const digits = BigInt(whole + fraction.padEnd(places, '0')) * (negative ? -1n : 1n);
      return fraction.length <= places && digits % BigInt(unit) === 0n;
    })
  );
}

/** null: nothing is asked of them. */
function numberTexts(items: readonly Joined[], integer: boolean, canonical: boolean): NumberTexts | null {
  const comparisons = items.flatMap(comparisonsOf);
  const divisors = items.flatMap(divisorsOf);
  if (comparisons.length === 0 && divisors.length === 0 && (integer || !canonical)) return null;
  const bounds = comparisons.map(({ bound }) => bound);
  const wholeDigits = Math.max(maxDigits, ...bounds.map(({ whole }) => whole.length));
  const behind = Math.max(0, ...bounds.map(({ fraction }) => fraction.length));
  const open = comparisons.filter(({ equal }) => !equal);
  // Beside a bound that is not reached itself, as few digits as tell every number from it.
  const fixedDigits = Math.min(maxFraction, ...open.map(({ bound }) => distinctDigits - bound.whole.length));
  const places = Math.max(0, ...divisors.map((divisor) => divisor.places));
  const fractionDigits = divisors.length > 0 ? places : Math.max(fixedDigits, behind);
  return {
    integer,
    comparisons,
    divisors,
    wholeDigits,
    fractionDigits: integer ? 0 : fractionDigits,
    canonical,
  };
}

function comparisonsOf({ schema, path }: Joined): Comparison[] {
  const result: Comparison[] = [];
  const add = (kind: keyof typeof kinds, value: unknown, key: string = kind) => {
    if (typeof value !== 'number' || !Number.isFinite(value))
      throw refuse(place(path, key), 'a number', value);
    const bound = decimalOf(value);
    if (Math.max(bound.whole.length, bound.fraction.length) > maxBoundDigits) {
      // Beyond what a text can hold, a bound is met or missed by its sign.
      if (bound.whole.length > maxBoundDigits) {
        const met = bound.negative ? kinds[kind].greater : kinds[kind].less;
        if (met) return;
      }
      throw refuse(
        place(path, key),
        `a bound of at most ${maxBoundDigits} digits before and behind the point`,
        value,
      );
    }
    result.push({ bound, ...kinds[kind] });
  };
  for (const side of ['minimum', 'maximum'] as const) {
    const exclusive = side === 'minimum' ? 'exclusiveMinimum' : 'exclusiveMaximum';
    const [value, open] = [schema[side], schema[exclusive]];
    // A flag is how draft 4 has it.
    if (value !== undefined && value !== null) add(open === true ? exclusive : side, value, side);
    if (open !== undefined && open !== null && typeof open !== 'boolean') add(exclusive, open);
  }
  const width =
    typeof schema.format === 'string' && Object.hasOwn(numberFormats, schema.format)
      ? numberFormats[schema.format]
      : null;
  if (width !== null && width !== undefined) {
    add('minimum', width[0], 'format');
    add('maximum', width[1], 'format');
  }
  for (const value of Array.isArray(schema[excluded]) ? (schema[excluded] as unknown[]) : []) {
    if (typeof value === 'number') add('other', value);
  }
  return result;
}

function divisorsOf({ schema, path }: Joined): Divisor[] {
  const { multipleOf: value } = schema;
  if (value === undefined || value === null) return [];
  const at = place(path, 'multipleOf');
  if (typeof value !== 'number' || !(value > 0) || !Number.isFinite(value))
    throw refuse(at, 'a number above 0', value);
  const { fraction, whole } = decimalOf(value);
  const unit = Number(whole + fraction);
  if (fraction.length > maxFraction || unit > 1e6) throw refuse(at, 'a number of a few digits', value);
  return [{ unit, places: fraction.length }];
}
