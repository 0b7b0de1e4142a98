// Whether two schemas are certain to have no value in common: by their types, their listed values, or a property that both
// require, or that one requires and the other forbids.
import type { Document } from './document.js';
import { isSchema } from './fields.js';
import { commonTypes, typeOf, typesOf, type ValueType, valueTypes } from './types.js';

interface Facts {
  readonly types: readonly ValueType[];
  /** Spellings of listed values; null: any. */
  readonly values: ReadonlySet<string> | null;
  readonly required: ReadonlySet<string>;
  readonly properties: ReadonlyMap<string, readonly unknown[]>;
  /** No other properties. */
  readonly closed: boolean;
  /** Of the choices in the same place, all of which have to be disjoint. */
  readonly choices: readonly (readonly unknown[])[];
}

/** Schemas within each other that are compared. */
const maxDepth = 6;
const everyType = valueTypes.filter((type) => type !== 'integer');

/** @param around types that schemas around both allow */
export function areDisjoint(
  a: unknown,
  b: unknown,
  document: Document,
  around: readonly ValueType[] | null,
): boolean {
  return disjoint([a], [b], document, around ?? everyType, 0);
}

function disjoint(
  a: readonly unknown[],
  b: readonly unknown[],
  document: Document,
  around: readonly ValueType[],
  depth: number,
): boolean {
  if (depth > maxDepth) return false;
  const [one, other] = [factsOf(a, document), factsOf(b, document)];
  if (one === null || other === null) return true;
  const types = commonTypes(commonTypes(one.types, other.types), around);
  if (types.length === 0) return true;
  if (
    one.values !== null &&
    other.values !== null &&
    ![...one.values].some((value) => other.values?.has(value))
  )
    return true;
  if (types.every((type) => type === 'object') && objectsDisjoint(one, other, document, depth)) return true;
  const split = (choice: readonly unknown[], rest: readonly unknown[]) =>
    choice.every((each) => disjoint([each], rest, document, types, depth + 1));
  return one.choices.some((choice) => split(choice, b)) || other.choices.some((choice) => split(choice, a));
}

function objectsDisjoint(one: Facts, other: Facts, document: Document, depth: number): boolean {
  const forbids = ({ closed, properties }: Facts, name: string) =>
    (closed && !properties.has(name)) || properties.get(name)?.includes(false) === true;
  for (const name of one.required) {
    if (forbids(other, name)) return true;
    if (!other.required.has(name)) continue;
    const [a, b] = [one.properties.get(name), other.properties.get(name)];
    if (a !== undefined && b !== undefined && disjoint(a, b, document, everyType, depth + 1)) return true;
  }
  for (const name of other.required) if (forbids(one, name)) return true;
  return false;
}

/** null: nothing fits. */
function factsOf(schemas: readonly unknown[], document: Document): Facts | null {
  let types: readonly ValueType[] = everyType;
  let values: ReadonlySet<string> | null = null;
  const required = new Set<string>();
  const properties = new Map<string, unknown[]>();
  const choices: (readonly unknown[])[] = [];
  let closed = false;
  const seen = new Set<unknown>();
  const queue = [...schemas];
  for (const schema of queue) {
    if (schema === false) return null;
    if (!isSchema(schema) || seen.has(schema)) continue;
    seen.add(schema);
    const own = typesOf(schema, '');
    if (own !== null) types = commonTypes(types, own);
    const listed = 'const' in schema ? [schema.const] : Array.isArray(schema.enum) ? schema.enum : null;
    if (listed !== null) {
      const spelled = new Set(listed.map((value) => JSON.stringify(value)));
      values = both(values, spelled);
      types = commonTypes(types, listed.map(typeOf));
    }
    if (Array.isArray(schema.required)) for (const name of schema.required) required.add(String(name));
    for (const [name, each] of Object.entries(isSchema(schema.properties) ? schema.properties : {})) {
      properties.set(name, [...(properties.get(name) ?? []), each]);
    }
    closed ||= schema.additionalProperties === false && !('patternProperties' in schema);
    for (const key of ['anyOf', 'oneOf'] as const)
      if (Array.isArray(schema[key])) choices.push(schema[key] as readonly unknown[]);
    if (schema.$ref !== undefined) queue.push(document.resolve(schema.$ref, '').schema);
    if (Array.isArray(schema.allOf)) queue.push(...(schema.allOf as readonly unknown[]));
  }
  return { types, values, required, properties, closed, choices };
}

function both(known: ReadonlySet<string> | null, more: ReadonlySet<string>): ReadonlySet<string> {
  return known === null ? more : new Set([...known].filter((value) => more.has(value)));
}
