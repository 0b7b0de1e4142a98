// minimum, maximum and their exclusive kin as a range of decimal numbers.
import type { DecimalRange } from './decimal-range.js';
import { maxDigits } from './json-text.js';
import { refuse, type Schema } from './schema-fields.js';
import { keywordsOf } from './schema-keywords.js';

/** Digits behind the point that bounds of numbers may have. */
const maxBoundDecimals = 6;

/** The numbers that a schema allows, in units of their last decimal. @throws MoeqError where there are none */
export function decimalRange(type: 'number' | 'integer', schema: Schema, path: string): DecimalRange {
  const values = Object.fromEntries(
    keywordsOf.number.map((key) => {
      const value = schema[key];
      if (value !== undefined && (typeof value !== 'number' || !Number.isFinite(value))) {
        throw refuse(`${path}.${key}`, 'a number', value);
      }
      return [key, value as number | undefined];
    }),
  );
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = values;
  const present = [minimum, maximum, exclusiveMinimum, exclusiveMaximum].filter(
    (value) => value !== undefined,
  );
  const places = type === 'integer' ? 0 : Math.max(...present.map((value) => placesOf(value, path)));
  // A bound that is not reached itself: as many digits more as tell it from its neighbours.
  const open = exclusiveMinimum !== undefined || exclusiveMaximum !== undefined;
  const decimalPlaces = type === 'integer' ? 0 : places + (open ? 2 : 0);
  const unit = 10 ** decimalPlaces;
  const limit = 10 ** maxDigits - 1;
  const low = Math.max(
    -limit,
    Math.ceil(rounded((minimum ?? -Infinity) * unit)),
    Math.floor(rounded((exclusiveMinimum ?? -Infinity) * unit)) + 1,
  );
  const high = Math.min(
    limit,
    Math.floor(rounded((maximum ?? Infinity) * unit)),
    Math.ceil(rounded((exclusiveMaximum ?? Infinity) * unit)) - 1,
  );
  if (low > high) throw refuse(path, 'bounds that a number lies between', present.join(' and '));
  return { low, high, decimals: decimalPlaces };
}

/** Products with powers of ten miss integers by a rounding. */
function rounded(value: number): number {
  const nearest = Math.round(value);
  return Math.abs(value - nearest) < 1e-9 * Math.max(1, Math.abs(value)) ? nearest : value;
}

function placesOf(value: number, path: string): number {
  for (let places = 0; places <= maxBoundDecimals; places += 1) {
    if (Number(value.toFixed(places)) === value) return places;
  }
  throw refuse(path, `bounds of at most ${maxBoundDecimals} digits behind the point`, value);
}
