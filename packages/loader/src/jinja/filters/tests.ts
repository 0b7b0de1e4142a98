// Tests: what may follow `is`.
import { TemplateFault } from '../errors.js';
import { arithmetic } from '../python/arithmetic.js';
import { contains, equal, order } from '../python/compare.js';
import { isIterable } from '../python/iterate.js';
import { str } from '../python/print.js';
import { callTextMethod } from '../python/text-methods.js';
import {
  asMap,
  Dict,
  Func,
  integerOf,
  isInstance,
  itemsOf,
  Markup,
  numberOf,
  PythonRange,
  SentText,
  textOf,
  Undefined,
  type Value,
} from '../python/values.js';
import type { Rendering } from './filter.js';

export type Test = readonly [
  names: readonly string[],
  passes: (value: Value, args: readonly Value[], rendering: Rendering) => boolean,
];

const kind = (passes: (value: Value) => boolean): Test => [[], passes];

const equality = (same: boolean): Test => [
  ['other'],
  (a, [b = null], { budget }) => equal(a, b, budget) === same,
];

const ordered = (operator: string, passes: (order: number) => boolean): Test => [
  ['other'],
  (a, [b = null], { budget }) => passes(order(a, b, budget, operator)),
];

const remainder =
  (wanted: bigint) =>
  (value: Value, divisor: Value, { budget }: Rendering): boolean =>
    equal(arithmetic('%', value, divisor, budget), wanted, budget);

const less = ordered('<', (order_) => order_ < 0);
const greater = ordered('>', (order_) => order_ > 0);
const atMost = ordered('<=', (order_) => order_ <= 0);
const atLeast = ordered('>=', (order_) => order_ >= 0);

export const tests: Readonly<Record<string, Test>> = {
  defined: kind((value) => !(value instanceof Undefined)),
  undefined: kind((value) => value instanceof Undefined),
  none: kind((value) => value === null),
  boolean: kind((value) => typeof value === 'boolean'),
  true: kind((value) => value === true),
  false: kind((value) => value === false),
  integer: kind((value) => typeof value === 'bigint'),
  float: kind((value) => typeof value === 'number'),
  number: kind((value) => numberOf(value) !== undefined),
  string: kind((value) => textOf(value) !== undefined || value instanceof SentText),
  mapping: kind((value) => asMap(value) instanceof Dict),
  iterable: kind(isIterable),
  sequence: kind(isSequence),
  callable: kind((value) => value instanceof Func || value instanceof Undefined || isCallable(value)),
  escaped: kind((value) => value instanceof Markup),
  odd: [[], (value, _, rendering) => remainder(1n)(value, 2n, rendering)],
  even: [[], (value, _, rendering) => remainder(0n)(value, 2n, rendering)],
  divisibleby: [['num'], (value, [num = null], rendering) => remainder(0n)(value, num, rendering)],
  lower: [
    [],
    (value, _, { budget }) => callTextMethod('islower', str(value, budget), [], new Map(), budget) === true,
  ],
  upper: [
    [],
    (value, _, { budget }) => callTextMethod('isupper', str(value, budget), [], new Map(), budget) === true,
  ],
  in: [['seq'], (value, [seq = null], { budget }) => contains(seq, value, budget)],
  sameas: [['other'], (a, [b = null]) => isSame(a, b)],
  '==': equality(true),
  eq: equality(true),
  equalto: equality(true),
  '!=': equality(false),
  ne: equality(false),
  '<': less,
  lt: less,
  lessthan: less,
  '>': greater,
  gt: greater,
  greaterthan: greater,
  '<=': atMost,
  le: atMost,
  '>=': atLeast,
  ge: atLeast,
};

function isCallable(value: Value): boolean {
  return value !== null && isInstance(value) && value.call !== undefined;
}

function isSequence(given: Value): boolean {
  const value = asMap(given);
  const kinds = [Dict, PythonRange, Undefined];
  return (
    textOf(value) !== undefined || itemsOf(value) !== undefined || kinds.some((each) => value instanceof each)
  );
}

/** Python's `is`. Equal texts and small integers are mostly the same object there. */
function isSame(a: Value, b: Value): boolean {
  const [m, n] = [integerOf(a), integerOf(b)];
  if (m !== undefined && n !== undefined) return typeof a === typeof b && m === n;
  return a === b;
}

/** @throws TemplateFault for a test with other arguments than it takes */
export function assertTestArguments(name: string, names: readonly string[], count: number): void {
  if (count !== names.length)
    throw new TemplateFault(`the test ${name} takes ${names.length} arguments (${count} given)`);
}
