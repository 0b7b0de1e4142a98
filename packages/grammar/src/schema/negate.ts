// What does not fit a schema, as schemas of which one has to hold. What cannot be said this way is left out: the texts are
// fewer then, and all of them still fit.
import type { SchemaDocument } from './document.js';
import { isSchema, place, refuse, type Schema } from './fields.js';
import { isAnnotation } from './keywords.js';
import { typeOf, typesOf, type ValueType, valueTypes } from './types.js';

/** Values that do not fit, and patterns that must not match: no keyword of JSON Schema says it. */
export const excluded = Symbol('excluded');
export const unlike = Symbol('unlike');

/** Schemas within schemas that are opposed. */
const maxDepth = 40;

/** @throws MoeqError where nothing of the opposite can be said */
export function opposites(schema: unknown, path: string, document: SchemaDocument): readonly unknown[] {
  const found = negate(schema, path, document, 0);
  if (found.length > 0 || schema === true || (isSchema(schema) && Object.keys(schema).every(isAnnotation)))
    return found;
  throw refuse(path, 'a schema whose opposite can be held while a text is written', schema);
}

function negate(schema: unknown, path: string, document: SchemaDocument, depth: number): readonly unknown[] {
  if (schema === false) return [true];
  if (!isSchema(schema) || depth > maxDepth) return [];
  const of = (each: unknown) => negate(each, path, document, depth + 1);
  return Object.entries(schema).flatMap(([key, value]): readonly unknown[] => {
    switch (key) {
      case '$ref': {
        const found = document.resolve(value, place(path, '$ref'));
        return negate(found.schema, found.path, document, depth + 1);
      }
      case 'allOf':
        return Array.isArray(value) ? value.flatMap(of) : [];
      case 'anyOf': {
        const parts = Array.isArray(value) ? value.map(of) : [];
        return parts.some((part) => part.length === 0) ? [] : [{ allOf: parts.map((anyOf) => ({ anyOf })) }];
      }
      case 'not':
        return [value];
      case 'type': {
        const types = typesOf(schema, path) ?? [];
        const others = valueTypes.filter((type) => type !== 'integer' && !types.includes(type));
        const left = types.includes('integer') ? others.filter((type) => type !== 'number') : others;
        return left.length === 0 ? [] : [{ type: left }];
      }
      case 'const':
        return unlikeValues([value]);
      case 'enum':
        return Array.isArray(value) ? unlikeValues(value) : [];
      default:
        return negateKeyword(schema, key, value, of);
    }
  });
}

function unlikeValues(values: readonly unknown[]): readonly unknown[] {
  const held = new Set<ValueType>(values.map(typeOf).filter((type) => type === 'object' || type === 'array'));
  const type = valueTypes.filter((each) => !held.has(each) && each !== 'integer');
  return [{ type, [excluded]: values }];
}

function negateKeyword(
  schema: Schema,
  key: string,
  value: unknown,
  of: (schema: unknown) => readonly unknown[],
): readonly unknown[] {
  const count = typeof value === 'number' ? value : 0;
  const fewer = (type: string, most: string) => (count > 0 ? [{ type, [most]: count - 1 }] : []);
  const more = (type: string, least: string) => [{ type, [least]: count + 1 }];
  switch (key) {
    case 'pattern':
      return [{ type: 'string', [unlike]: [value] }];
    case 'minLength':
      return fewer('string', 'maxLength');
    case 'maxLength':
      return more('string', 'minLength');
    case 'minItems':
      return fewer('array', 'maxItems');
    case 'maxItems':
      return more('array', 'minItems');
    case 'minProperties':
      return fewer('object', 'maxProperties');
    case 'maxProperties':
      return more('object', 'minProperties');
    case 'minimum':
      return typeof schema.exclusiveMinimum === 'boolean'
        ? []
        : [{ type: 'number', exclusiveMaximum: value }];
    case 'maximum':
      return typeof schema.exclusiveMaximum === 'boolean'
        ? []
        : [{ type: 'number', exclusiveMinimum: value }];
    case 'exclusiveMinimum':
      return typeof value === 'number' ? [{ type: 'number', maximum: value }] : [];
    case 'exclusiveMaximum':
      return typeof value === 'number' ? [{ type: 'number', minimum: value }] : [];
    case 'required':
      return Array.isArray(value)
        ? value.map((name) => ({ type: 'object', properties: { [String(name)]: false } }))
        : [];
    case 'properties':
      return Object.entries(isSchema(value) ? value : {}).flatMap(([name, each]) => {
        const anyOf = of(each);
        return anyOf.length === 0
          ? []
          : [{ type: 'object', required: [name], properties: { [name]: { anyOf } } }];
      });
    case 'items': {
      const anyOf = 'prefixItems' in schema || Array.isArray(value) ? [] : of(value);
      return anyOf.length === 0 ? [] : [{ type: 'array', contains: { anyOf } }];
    }
    case 'contains': {
      const anyOf = 'minContains' in schema || 'maxContains' in schema ? [] : of(value);
      return anyOf.length === 0 ? [] : [{ type: 'array', items: { anyOf } }];
    }
    default:
      return [];
  }
}
