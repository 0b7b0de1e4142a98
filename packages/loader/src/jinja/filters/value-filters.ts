// Filters of single values: defaults, lengths, numbers.

import type { Given } from '../arguments.js';
import { TemplateFault } from '../errors.js';
import { arithmetic } from '../python/arithmetic.js';
import { ownAttribute } from '../python/attributes.js';
import { lengthOf, truth } from '../python/compare.js';
import { parseFloatText, parseInteger, roundFloat, roundInteger } from '../python/numbers.js';
import { strip } from '../python/text.js';
import { numberOf, orElse, SentText, textOf, typeName, Undefined, type Value } from '../python/values.js';
import type { Filter, Rendering } from './filter.js';

const fallback: Filter = [
  ['default_value', 'boolean'],
  (value, given) => {
    const isMissing = value instanceof Undefined || (truth(given.value('boolean', false)) && !truth(value));
    return isMissing ? given.value('default_value', '') : value;
  },
];

const length: Filter = [
  [],
  (value) => {
    const count = lengthOf(value);
    if (count === undefined) throw new TemplateFault(`object of type '${typeName(value)}' has no len()`);
    return BigInt(count);
  },
];

export const valueFilters: Readonly<Record<string, Filter>> = {
  default: fallback,
  d: fallback,
  length,
  count: length,
  abs: [
    [],
    (value) => {
      const number = numberOf(value);
      if (number === undefined) throw new TemplateFault(`bad operand type for abs(): '${typeName(value)}'`);
      return typeof number === 'bigint' ? (number < 0n ? -number : number) : Math.abs(number);
    },
  ],
  int: [['default', 'base'], toInteger],
  float: [
    ['default'],
    (value, given) => {
      if (value instanceof Undefined) value.fail();
      return floatOf(value) ?? given.value('default', 0);
    },
  ],
  round: [['precision', 'method'], round],
  attr: [
    ['name'],
    (value, given, { budget }) => {
      const name = given.text('name');
      const missing = () => new Undefined(`'${typeName(value)} object' has no attribute '${name}'`);
      return orElse(ownAttribute(value, name, budget), missing);
    },
  ],
};

function floatOf(value: Value): number | null {
  const number = numberOf(value);
  if (number !== undefined) return Number(number);
  const text = value instanceof SentText ? value.text : textOf(value);
  return text === undefined ? null : parseFloatText(strip(text, null));
}

function toInteger(value: Value, given: Given): Value {
  if (value instanceof Undefined) value.fail();
  const number = numberOf(value);
  if (typeof number === 'bigint') return number;
  const text = value instanceof SentText ? value.text : textOf(value);
  const whole = text === undefined ? null : parseInteger(strip(text, null), given.integer('base', 10n));
  if (whole !== null) return whole;
  const float = floatOf(value);
  if (float === null || !Number.isFinite(float)) return given.value('default', 0n);
  return BigInt(Math.trunc(float));
}

function round(value: Value, given: Given, { budget }: Rendering): Value {
  const [precision, method] = [given.integer('precision', 0n), given.value('method', 'common')];
  const number = numberOf(value);
  if (number === undefined)
    throw new TemplateFault(`type ${typeName(value)} doesn't define __round__ method`);
  budget.characters(Math.abs(precision));
  if (method === 'common') {
    if (typeof number === 'number') return roundFloat(number, precision);
    return precision >= 0 ? number : roundInteger(number, precision);
  }
  if (method !== 'ceil' && method !== 'floor')
    throw new TemplateFault('method must be common, ceil or floor');
  const scale = arithmetic('**', 10n, BigInt(precision), budget);
  const scaled = Number(numberOf(arithmetic('*', number, scale, budget)));
  return arithmetic('/', BigInt(Math[method](scaled)), scale, budget);
}
