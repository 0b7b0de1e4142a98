// The types of values that schemas in one place allow.

import { list, place, refuse, type Schema } from './fields.js';
import type { Joined } from './items.js';
import { keywordsOf } from './keywords.js';

export const valueTypes = ['object', 'array', 'string', 'number', 'integer', 'boolean', 'null'] as const;
export type ValueType = (typeof valueTypes)[number];

/** What `type` says; null: nothing. @throws MoeqError for what is no type */
export function typesOf(schema: Schema, path: string): readonly ValueType[] | null {
  const { type, nullable } = schema;
  if (type === undefined || type === null) return null;
  const at = place(path, 'type');
  const found = (typeof type === 'string' ? [type] : list(type, at)).map((each) => {
    const known = valueTypes.find((name) => name === each);
    if (known === undefined) throw refuse(at, valueTypes.join(', '), each);
    return known;
  });
  // OpenAPI 3.0
  return nullable === true ? [...found, 'null'] : found;
}

/** In both; an integer is a number. */
export function commonTypes(a: readonly ValueType[], b: readonly ValueType[]): ValueType[] {
  const has = (types: readonly ValueType[], type: ValueType) =>
    types.includes(type) || (type === 'integer' && types.includes('number'));
  return valueTypes.filter(
    (type) =>
      has(a, type) && has(b, type) && !(type === 'integer' && a.includes('number') && b.includes('number')),
  );
}

/**
 * The types that all schemas allow. Where none names a type, those that their keywords are about, or those of the values
 * that they list; null where nothing says any.
 */
export function jointTypes(items: readonly Joined[]): readonly ValueType[] | null {
  const named = items.flatMap(({ schema, path }) => {
    const types = typesOf(schema, path);
    return types === null ? [] : [types];
  });
  const [first, ...more] = named;
  if (first !== undefined) return more.reduce<readonly ValueType[]>(commonTypes, commonTypes(first, first));
  if (items.some(({ schema }) => 'enum' in schema || 'const' in schema)) return null;
  const implied = Object.entries(keywordsOf).flatMap(([name, own]): ValueType[] =>
    items.some(({ schema }) => own.some((key) => key in schema)) ? [name as ValueType] : [],
  );
  return implied.length === 0 ? null : implied;
}

export function isOfType(value: unknown, type: ValueType): boolean {
  if (value === null || Array.isArray(value)) return type === (value === null ? 'null' : 'array');
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

export function typeOf(value: unknown): ValueType {
  return valueTypes.find((type) => isOfType(value, type)) ?? 'null';
}
