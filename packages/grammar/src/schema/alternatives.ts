// Keywords that choose between schemas in the same place. Each becomes a list of what may hold instead: `oneOf` of branches
// that exclude one another is a choice; where two may overlap, a branch holds together with the opposite of the other.
import { Pace } from '../slices.js';
import { conflictsWith } from './conflicts.js';
import type { Context } from './context.js';
import { overlaps } from './disjoint.js';
import type { SchemaDocument } from './document.js';
import { isSchema, list, names, place, record, refuse, type Schema } from './fields.js';
import type { Item, Joined } from './items.js';
import { within, without } from './items.js';
import { opposites } from './negate.js';
import { commonTypes, jointTypes, typesOf, type ValueType } from './types.js';

/** Schemas of which one has to hold. */
const maxBranches = 1000;
/** What telling two branches apart costs, in schemas that are combined. */
const schemasPerPair = 8;

/**
 * Splits the first keyword that chooses.
 * @returns null where there is none
 * @throws MoeqError for what cannot be held
 */
export function* alternatives(
  items: readonly Joined[],
  context: Context,
): Generator<void, readonly (readonly Item[])[] | null, void> {
  for (const [at, item] of items.entries()) {
    const split = yield* splitOne(item, items, context);
    if (split === null) continue;
    const [keys, branches] = split;
    const rest: Item = { ...item, schema: without(item.schema, keys) };
    const scope = within(item.scope, item.schema);
    const pace = new Pace();
    const result: (readonly Item[])[] = [];
    for (const branch of branches) {
      const placed = branch.map((each) => ({ ...each, scope }));
      result.push([...items.slice(0, at), rest, ...placed, ...items.slice(at + 1)]);
      if (pace.due(items.length + branch.length)) yield;
    }
    return result;
  }
  return null;
}

interface Branch {
  readonly schema: unknown;
  readonly path: string;
}

type Split = readonly [keys: readonly string[], branches: readonly (readonly Branch[])[]];

function* splitOne(
  { schema, path }: Joined,
  items: readonly Joined[],
  context: Context,
): Generator<void, Split | null, void> {
  const { document } = context;
  if (schema.anyOf !== undefined) {
    const at = place(path, 'anyOf');
    const branches = branchesOf(schema.anyOf, at);
    const conflicts = conflictsWith(items);
    const possible = branches.filter((each) => !conflicts(each.schema));
    // Where none is left, compiling them says why.
    return [['anyOf'], (possible.length > 0 ? possible : branches).map((each) => [each])];
  }
  if (schema.oneOf !== undefined)
    return [['oneOf', 'discriminator'], yield* oneOf(schema, path, items, context)];
  if (schema.discriminator !== undefined) return [['discriminator'], [[]]];
  if (schema.not !== undefined) {
    const at = place(path, 'not');
    const left = opposites(schema.not, at, document);
    if (left.length > maxBranches)
      throw refuse(at, `at most ${maxBranches} ways in which its schema may not hold`, left.length);
    const around = typesAround(items);
    const possible = left.filter((each) => mayHold(each, around, at));
    // Where no type is left, the types say so themselves.
    return [['not'], (possible.length > 0 ? possible : left).map((each) => [{ schema: each, path: at }])];
  }
  if (schema.if !== undefined) return [['if', 'then', 'else'], conditional(schema, path, document)];
  if (schema.then !== undefined || schema.else !== undefined) return [['then', 'else'], [[]]];
  for (const key of ['dependentRequired', 'dependentSchemas', 'dependencies'] as const) {
    if (schema[key] !== undefined) return [[key], [dependent(schema[key], place(path, key))]];
  }
  return null;
}

/** The types that are named in a place; null: none. */
function typesAround(items: readonly Joined[]): readonly ValueType[] | null {
  return jointTypes(items.filter((item) => item.schema.type !== undefined));
}

/** Whether a schema has one of the types around it. */
function mayHold(schema: unknown, around: readonly ValueType[] | null, path: string): boolean {
  const types = isSchema(schema) ? typesOf(schema, path) : null;
  return types === null || around === null || commonTypes(types, around).length > 0;
}

function branchesOf(value: unknown, at: string): Branch[] {
  const branches = list(value, at).map((schema, index) => ({ schema, path: place(at, index) }));
  if (branches.length > maxBranches) throw refuse(at, `at most ${maxBranches} schemas`, branches.length);
  return branches;
}

function* oneOf(
  schema: Schema,
  path: string,
  items: readonly Joined[],
  context: Context,
): Generator<void, Branch[][], void> {
  const { document } = context;
  const at = place(path, 'oneOf');
  const branches = branchesOf(schema.oneOf, at);
  const around = typesAround(items);
  // A union that names its discriminator has that property in each branch.
  const tag = isSchema(schema.discriminator) ? schema.discriminator.propertyName : undefined;
  const tagged: Branch[] =
    typeof tag === 'string' ? [{ schema: requiring(schema, tag), path: place(path, 'discriminator') }] : [];
  const tested = branches.map(({ schema: each }) =>
    tagged.length === 0 ? each : { allOf: [each, tagged[0]?.schema] },
  );
  const overlapping = yield* overlaps(tested, document, around);
  const result: Branch[][] = [];
  const opposed = new Set<Branch>();
  for (const [index, branch] of branches.entries()) {
    const parts = [branch, ...tagged];
    for (const place of overlapping[index] ?? []) {
      const other = branches[place] as Branch;
      context.combine(schemasPerPair, at);
      try {
        if (!opposed.has(other)) opposites(other.schema, other.path, document);
        opposed.add(other);
      } catch {
        throw refuse(
          at,
          'schemas that exclude one another: by type, by listed values, or by a required property',
          `${branch.path} and ${other.path}`,
        );
      }
      parts.push({ schema: notOf(other.schema), path: other.path });
    }
    result.push(parts);
    yield;
  }
  return result;
}

const requirements = new WeakMap<Schema, Schema>();

function requiring(schema: Schema, tag: string): Schema {
  const known = requirements.get(schema) ?? { type: 'object', required: [tag] };
  requirements.set(schema, known);
  return known;
}

const negations = new WeakMap<Schema, Schema>();

/** One object for a schema, so that equal places are found again. */
function notOf(schema: unknown): Schema {
  if (!isSchema(schema)) return { not: schema };
  const known = negations.get(schema) ?? { not: schema };
  negations.set(schema, known);
  return known;
}

function conditional(schema: Schema, path: string, document: SchemaDocument): Branch[][] {
  const at = place(path, 'if');
  const yes = [{ schema: schema.if, path: at }, ...branchAt(schema, 'then', path)];
  // Where no condition holds that can be opposed, nothing is left for the other side.
  const otherwise = opposites(schema.if, at, document).map((each) => [
    { schema: each, path: at },
    ...branchAt(schema, 'else', path),
  ]);
  return [yes, ...otherwise];
}

function branchAt(schema: Schema, key: string, path: string): Branch[] {
  return schema[key] === undefined ? [] : [{ schema: schema[key], path: place(path, key) }];
}

/** All of the dependencies hold: each that its property is missing, or what it asks for. */
function dependent(value: unknown, at: string): Branch[] {
  return Object.entries(record(value, at)).map(([name, asked]) => {
    const path = place(at, name);
    const missing = { properties: { [name]: false } };
    const present = Array.isArray(asked)
      ? { type: 'object', required: [name, ...names(asked, path)] }
      : { type: 'object', required: [name], allOf: [asked] };
    return { schema: { anyOf: [missing, present] }, path };
  });
}
