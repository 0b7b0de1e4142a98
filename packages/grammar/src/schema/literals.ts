// Listed values: those that every schema in the same place takes.

import type { Rule } from '../rule.js';
import { literalRule } from '../rules/literals.js';
import { spellingOf } from '../rules/text.js';
import type { Context, Pausing } from './context.js';
import { list, place, refuse } from './fields.js';
import type { Joined } from './items.js';
import { keywordsOf } from './keywords.js';
import { excluded } from './negate.js';
import { hasNumber } from './numbers.js';
import { hasText, stringTexts } from './strings.js';
import { isOfType, type ValueType } from './types.js';

/** Values between two pauses. */
const valuesPerPause = 256;

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
  const others = more.map((values) => new Set(values.map((value) => JSON.stringify(value))));
  const texts: string[] = [];
  const strings = first.some((value) => typeof value === 'string')
    ? yield* stringTexts(items, 'canonical', context)
    : null;
  for (const [index, value] of first.entries()) {
    if (index % valuesPerPause === valuesPerPause - 1) yield;
    const spelled = JSON.stringify(value);
    if (types !== null && !types.some((type) => isOfType(value, type))) continue;
    if (!others.every((values) => values.has(spelled)) || isExcluded(items, spelled)) continue;
    if (typeof value === 'string' && (strings === null || !hasText(strings, value))) continue;
    if (typeof value === 'number' && !hasNumber(items, value)) continue;
    if (typeof value === 'object' && value !== null)
      assertPlain(items, Array.isArray(value) ? 'array' : 'object');
    texts.push(spellingOf(value));
  }
  const [{ path } = { path: '' }] = items;
  return context.add(literalRule(texts, `${path}: no listed value of the type and form that is asked for`));
}

function isExcluded(items: readonly Joined[], spelled: string): boolean {
  return items.some(({ schema }) => {
    const values = schema[excluded];
    return Array.isArray(values) && values.some((value) => JSON.stringify(value) === spelled);
  });
}

/** Listed objects and lists are taken as they are: nothing beside them may ask for a part of them. */
function assertPlain(items: readonly Joined[], type: 'array' | 'object'): void {
  for (const { schema, path } of items) {
    const key = keywordsOf[type].find((each) => each in schema);
    if (key !== undefined)
      throw refuse(place(path, key), `no listed ${type}s beside keywords about them`, key);
  }
}
