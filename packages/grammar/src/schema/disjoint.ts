// Whether two schemas are certain to have no value in common: by their types, their listed values, or a property that both
// require, or that one requires and the other forbids.
import { Pace, type Pausing } from '../slices.js';
import type { SchemaDocument } from './document.js';
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
  readonly choices: readonly (readonly (readonly unknown[])[])[];
}

/** Schemas within each other that are compared. */
const maxDepth = 6;
const everyType = valueTypes.filter((type) => type !== 'integer');

/**
 * Pairs of schemas that may have a value in common. Schemas with listed values, or with listed values of a property that
 * most of them require, are looked up by these; only those that share one are compared.
 * @param around types that schemas around all of them allow
 * @returns for each schema the places of the others, ascending
 */
export function* overlaps(
  schemas: readonly unknown[],
  document: SchemaDocument,
  around: readonly ValueType[] | null,
): Pausing<readonly (readonly number[])[]> {
  const types = around ?? everyType;
  const lists = schemas.map((schema) => [schema]);
  const pace = new Pace();
  const tagsOf: ReadonlyMap<string, ReadonlySet<string>>[] = [];
  for (const list of lists) {
    const facts = factsOf(list, document);
    tagsOf.push(tags(facts, document, types));
    if (pace.due(weightOf(facts))) yield;
  }
  const index = new TagIndex(tagsOf);
  for (const values of index.fill()) if (pace.due(values)) yield;
  const result = schemas.map((): number[] => []);
  for (const [at, list] of lists.entries()) {
    for (const other of index.before(at)) {
      if (pace.due()) yield;
      if (disjoint(list, lists[other] as readonly unknown[], document, types, 0)) continue;
      result[at]?.push(other);
      result[other]?.push(at);
    }
  }
  return result.map((places) => places.sort((a, b) => a - b));
}

function weightOf(facts: Facts | null): number {
  return 8 + (facts?.values?.size ?? 0) + (facts?.properties.size ?? 0) + (facts?.required.size ?? 0);
}

/** A schema's own listed values, under no name, and those of the properties that it requires. */
function tags(
  facts: Facts | null,
  document: SchemaDocument,
  around: readonly ValueType[],
): ReadonlyMap<string, ReadonlySet<string>> {
  const result = new Map<string, ReadonlySet<string>>();
  if (facts === null) return result;
  if (facts.values !== null) result.set(ownValues, facts.values);
  if (commonTypes(facts.types, around).some((type) => type !== 'object')) return result;
  for (const name of facts.required) {
    const property = facts.properties.get(name);
    const values = property === undefined ? undefined : factsOf(property, document)?.values;
    if (values !== undefined && values !== null) result.set(`.${name}`, values);
  }
  return result;
}

const ownValues = '';

/** Schemas by the values of the tag that most of them have. */
class TagIndex {
  readonly #tag: string | null;
  readonly #tags: readonly ReadonlyMap<string, ReadonlySet<string>>[];
  readonly #byValue = new Map<string, number[]>();
  readonly #untagged: number[] = [];

  constructor(tagsOf: readonly ReadonlyMap<string, ReadonlySet<string>>[]) {
    this.#tags = tagsOf;
    const counts = new Map<string, number>();
    for (const tag of tagsOf.flatMap((each) => [...each.keys()])) counts.set(tag, (counts.get(tag) ?? 0) + 1);
    const [most] = [...counts].sort(([, a], [, b]) => b - a);
    this.#tag = most?.[0] ?? null;
  }

  /** Looks up the values, schema by schema; yields how many it has looked at. */
  *fill(): Generator<number, void, void> {
    for (const [place] of this.#tags.entries()) {
      const values = this.#valuesAt(place);
      yield values?.size ?? 1;
      if (values === undefined) this.#untagged.push(place);
      for (const value of values ?? []) {
        const places = this.#byValue.get(value) ?? [];
        this.#byValue.set(value, places);
        places.push(place);
      }
    }
  }

  /** Those before a place whose values of the tag do not tell them from it. */
  before(place: number): Iterable<number> {
    const values = this.#valuesAt(place);
    if (values === undefined) return Array(place).keys();
    const found = new Set(this.#untagged);
    for (const value of values) for (const each of this.#byValue.get(value) ?? []) found.add(each);
    return [...found].filter((each) => each < place);
  }

  #valuesAt(place: number): ReadonlySet<string> | undefined {
    return this.#tag === null ? undefined : this.#tags[place]?.get(this.#tag);
  }
}

function disjoint(
  a: readonly unknown[],
  b: readonly unknown[],
  document: SchemaDocument,
  around: readonly ValueType[],
  depth: number,
): boolean {
  if (depth > maxDepth) return false;
  const [one, other] = [factsOf(a, document), factsOf(b, document)];
  if (one === null || other === null) return true;
  const shared = one.types === other.types ? one.types : commonTypes(one.types, other.types);
  const types = around === everyType ? shared : commonTypes(shared, around);
  if (types.length === 0) return true;
  if (one.values !== null && other.values !== null && !share(one.values, other.values)) return true;
  if (types.every((type) => type === 'object') && objectsDisjoint(one, other, document, depth)) return true;
  const split = (choice: readonly (readonly unknown[])[], rest: readonly unknown[]) =>
    choice.every((each) => disjoint(each, rest, document, types, depth + 1));
  return one.choices.some((choice) => split(choice, b)) || other.choices.some((choice) => split(choice, a));
}

function share(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const value of a) if (b.has(value)) return true;
  return false;
}

function objectsDisjoint(one: Facts, other: Facts, document: SchemaDocument, depth: number): boolean {
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

const known = new WeakMap<readonly unknown[], Facts | null>();

/** Of schemas that hold together; a list is looked at once. null: nothing fits. */
function factsOf(schemas: readonly unknown[], document: SchemaDocument): Facts | null {
  const before = known.get(schemas);
  if (before !== undefined) return before;
  const facts = gather(schemas, document);
  known.set(schemas, facts);
  return facts;
}

function gather(schemas: readonly unknown[], document: SchemaDocument): Facts | null {
  let types: readonly ValueType[] = everyType;
  let values: ReadonlySet<string> | null = null;
  const required = new Set<string>();
  const properties = new Map<string, unknown[]>();
  const choices: (readonly (readonly unknown[])[])[] = [];
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
      types = commonTypes(types, [...new Set(listed.map(typeOf))]);
    }
    if (Array.isArray(schema.required)) for (const name of schema.required) required.add(String(name));
    for (const [name, each] of Object.entries(isSchema(schema.properties) ? schema.properties : {})) {
      const said = properties.get(name) ?? [];
      properties.set(name, said);
      said.push(each);
    }
    closed ||= schema.additionalProperties === false && !('patternProperties' in schema);
    for (const key of ['anyOf', 'oneOf'] as const)
      if (Array.isArray(schema[key])) choices.push((schema[key] as readonly unknown[]).map((each) => [each]));
    if (schema.$ref !== undefined) queue.push(document.resolve(schema.$ref, '').schema);
    if (Array.isArray(schema.allOf)) queue.push(...(schema.allOf as readonly unknown[]));
  }
  return { types: interned(types), values, required, properties, closed, choices };
}

const typeLists = new Map<string, readonly ValueType[]>();

/** One list for the same types. */
function interned(types: readonly ValueType[]): readonly ValueType[] {
  const normal = commonTypes(types, types);
  const key = normal.join();
  const list = typeLists.get(key) ?? normal;
  typeLists.set(key, list);
  return list;
}

function both(known: ReadonlySet<string> | null, more: ReadonlySet<string>): ReadonlySet<string> {
  return known === null ? more : new Set([...known].filter((value) => more.has(value)));
}
