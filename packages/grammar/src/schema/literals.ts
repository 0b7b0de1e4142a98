// Listed values: those that every schema in the same place takes.

import type { Rule } from '../rule.js';
import { literalRule } from '../rules/literals.js';
import { bytesOf, compareTexts } from '../rules/text.js';
import { Pace, type Pausing, sortedInSlices } from '../slices.js';
import type { Context } from './context.js';
import { list, place, refuse } from './fields.js';
import type { Joined } from './items.js';
import { keywordsOf } from './keywords.js';
import { excluded } from './negate.js';
import { hasNumber } from './numbers.js';
import { hasText, stringTexts } from './strings.js';
import { isOfType, type ValueType } from './types.js';

/** @returns null where no values are listed */
export function* listedRule(
  items: readonly Joined[],
  types: readonly ValueType[] | null,
  context: Context,
): Pausing<Rule | null> {
  const lists = items.flatMap(({ schema, path }) => [
    ...('const' in schema ? [[schema.const]] : []),
    ...(schema.enum === undefined ? [] : [list(schema.enum, place(path, 'enum'))]),
  ]);
  const [first, ...more] = lists;
  if (first === undefined) return null;
  const pace = new Pace();
  const others: Set<string>[] = [];
  for (const values of more) others.push(yield* spelled(values, pace));
  const excludedHere = yield* spelled(
    items.flatMap(({ schema }) => (Array.isArray(schema[excluded]) ? (schema[excluded] as unknown[]) : [])),
    pace,
  );
  const texts = new Set<string>();
  const strings = first.some((value) => typeof value === 'string')
    ? yield* stringTexts(items, 'canonical', context)
    : null;
  for (const value of first) {
    const spelling = JSON.stringify(value);
    if (pace.dueText(spelling.length)) yield;
    if (types !== null && !types.some((type) => isOfType(value, type))) continue;
    if (excludedHere.has(spelling) || !others.every((values) => values.has(spelling))) continue;
    if (typeof value === 'string' && (strings === null || !(yield* hasText(strings, value, pace)))) continue;
    if (typeof value === 'number' && !hasNumber(items, value)) continue;
    if (typeof value === 'object' && value !== null)
      assertPlain(items, Array.isArray(value) ? 'array' : 'object');
    texts.add(bytesOf(spelling));
  }
  const [{ path } = { path: '' }] = items;
  const sorted = yield* sortedInSlices(texts, compareTexts);
  context.remember(sorted.reduce((sum, text) => sum + text.length + 40, 0));
  return context.add(literalRule(sorted, `${path}: no listed value of the type and form that is asked for`));
}

function* spelled(values: readonly unknown[], pace: Pace): Pausing<Set<string>> {
  const result = new Set<string>();
  for (const value of values) {
    const spelling = JSON.stringify(value);
    result.add(spelling);
    if (pace.dueText(spelling.length)) yield;
  }
  return result;
}

/** Listed objects and lists are taken as they are: nothing beside them may ask for a part of them. */
function assertPlain(items: readonly Joined[], type: 'array' | 'object'): void {
  for (const { schema, path } of items) {
    const key = keywordsOf[type].find((each) => each in schema);
    if (key !== undefined)
      throw refuse(place(path, key), `no listed ${type}s beside keywords about them`, key);
  }
}
