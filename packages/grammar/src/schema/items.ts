// Schemas that hold in the same place, joined: references and `allOf` become a list of schemas without them.
import type { SchemaDocument } from './document.js';
import { isSchema, list, place, refuse, type Schema } from './fields.js';
import { isKeyword } from './keywords.js';

/** A schema that holds, beside others. */
export interface Item {
  readonly schema: unknown;
  readonly path: string;
  /** Schemas that it is a part of, in the same place: what they leave unevaluated it may evaluate. */
  readonly scope: readonly Schema[];
}

/** An item that is an object. */
export interface Joined extends Item {
  readonly schema: Schema;
}

/** Schemas that hold in one place, at most. */
const maxItems = 500;

const originals = new WeakMap<Schema, Schema>();
const derived = new WeakMap<Schema, Map<string, Schema>>();

/** A schema without some keywords; one object for the same schema and keywords. */
export function without(schema: Schema, keys: readonly string[]): Schema {
  const known = derived.get(schema) ?? new Map<string, Schema>();
  derived.set(schema, known);
  const name = keys.join();
  const found = known.get(name);
  if (found !== undefined) return found;
  const made = Object.fromEntries(Object.entries(schema).filter(([key]) => !keys.includes(key)));
  known.set(name, made);
  originals.set(made, originalOf(schema));
  return made;
}

/** The schema that another one was before keywords were taken out. */
export function originalOf(schema: Schema): Schema {
  return originals.get(schema) ?? schema;
}

/** A scope inside a schema. */
export function within(scope: readonly Schema[], schema: Schema): readonly Schema[] {
  const original = originalOf(schema);
  return scope.includes(original) ? scope : [...scope, original];
}

/**
 * @returns null where one of them is `false`
 * @throws MoeqError for an unknown keyword, a reference that leads nowhere, or one that leads back to itself
 */
export function joined(items: readonly Item[], document: SchemaDocument): Joined[] | null {
  const result = new Map<Schema, Joined>();
  let never = false;
  const add = ({ schema, path, scope }: Item, via: readonly unknown[]): void => {
    if (schema === true) return;
    if (schema === false) {
      never = true;
      return;
    }
    if (!isSchema(schema)) throw refuse(path, 'a schema: an object, true or false', schema);
    if (via.length >= maxItems) throw refuse(path, `at most ${maxItems} references in a row`, 'more');
    if (via.includes(schema))
      throw refuse(path, 'values that end, not a value that is nothing but itself', 'a circle');
    if (result.has(schema)) return;
    if (result.size >= maxItems) throw refuse(path, `at most ${maxItems} schemas in one place`, 'more');
    assertKeywords(schema, path);
    const { $ref: reference, allOf } = schema;
    if (reference === undefined && allOf === undefined) {
      result.set(schema, { schema, path, scope });
      return;
    }
    const inside = within(scope, schema);
    const more = [...via, schema];
    const own = () => add({ schema: without(schema, ['$ref', 'allOf']), path, scope }, more);
    const keys = Object.keys(schema);
    const ownFirst =
      keys.indexOf('properties') >= 0 &&
      keys.indexOf('properties') < keys.findIndex((key) => key === '$ref' || key === 'allOf');
    if (ownFirst) own();
    if (reference !== undefined) {
      const found = document.resolve(reference, place(path, '$ref'));
      add({ ...found, scope: inside }, more);
    }
    if (allOf !== undefined) {
      const at = place(path, 'allOf');
      for (const [index, each] of list(allOf, at).entries()) {
        add({ schema: each, path: place(at, index), scope: inside }, more);
      }
    }
    if (!ownFirst) own();
  };
  for (const item of items) add(item, []);
  return never ? null : [...result.values()];
}

function assertKeywords(schema: Schema, path: string): void {
  for (const key of Object.keys(schema)) {
    if (!isKeyword(key))
      throw refuse(
        place(path, key),
        'a keyword that can be held while a text is written (the README of @moeq/grammar lists them)',
        key,
      );
  }
}
