// Fields of a schema, checked as they are read, and their places as JSON pointers (RFC 6901).
import { isObject, MoeqError, quote } from '@moeq/tensors';

/** The fields that are read by name. */
type Field =
  | '$id'
  | '$anchor'
  | '$ref'
  | 'allOf'
  | 'anyOf'
  | 'oneOf'
  | 'discriminator'
  | 'not'
  | 'if'
  | 'then'
  | 'else'
  | 'type'
  | 'nullable'
  | 'enum'
  | 'const'
  | 'properties'
  | 'required'
  | 'additionalProperties'
  | 'patternProperties'
  | 'propertyNames'
  | 'unevaluatedItems'
  | 'items'
  | 'prefixItems'
  | 'uniqueItems'
  | 'contains'
  | 'minContains'
  | 'maxContains'
  | 'pattern'
  | 'format'
  | 'multipleOf'
  | 'exclusiveMinimum'
  | 'exclusiveMaximum'
  | 'propertyName';

/** A schema that is an object; symbols are what this package adds to its own. */
export type Schema = { readonly [name in Field]?: unknown } & Readonly<Record<string | symbol, unknown>>;

/** Items and properties that may be required, and characters: a text of so many is longer than a model's context. */
const maxLeast = 100_000;

/** The place of a part, e.g. `schema#/properties/a~1b`. */
export function place(path: string, ...keys: readonly (string | number)[]): string {
  return keys.reduce<string>(
    (at, key) => `${at}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    path.includes('#') ? path : `${path}#`,
  );
}

export function isSchema(value: unknown): value is Schema {
  return isObject(value);
}

/** A count of things. @throws MoeqError */
export function least(schema: Schema, key: string, path: string): number {
  const value = schema[key] ?? 0;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxLeast) return value;
  throw refuse(place(path, key), `an integer from 0 to ${maxLeast}`, value);
}

/** A count of things; Infinity where there is none. @throws MoeqError */
export function most(schema: Schema, key: string, path: string): number {
  const value = schema[key] ?? Number.POSITIVE_INFINITY;
  if (value === Number.POSITIVE_INFINITY) return value;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0) return value;
  throw refuse(place(path, key), 'an integer of 0 or more', value);
}

/** @throws MoeqError for what is no list, or an empty one */
export function list(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw refuse(path, 'a list that is not empty', value);
}

/** @throws MoeqError for what is no object */
export function record(value: unknown, path: string): Schema {
  if (isSchema(value)) return value;
  throw refuse(path, 'an object', value);
}

/** @throws MoeqError for what is no list of texts */
export function names(value: unknown, path: string): readonly string[] {
  if (Array.isArray(value) && value.every((each) => typeof each === 'string')) return value;
  throw refuse(path, 'a list of names', value);
}

/** The error of a part of a schema. */
export function refuse(subject: string, expected: string, found: unknown): MoeqError {
  return new MoeqError({
    code: 'unsupportedSchema',
    operation: 'compile the schema',
    subject,
    expected,
    found: quote(found),
  });
}
