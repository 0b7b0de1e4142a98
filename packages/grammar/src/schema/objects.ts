// What schemas in one place say about objects: the properties by name, in the order in which they are first named, and
// what other names may be and hold. A value has to fit what each of the schemas says of its name.
import type { Automaton } from '../automata/explore.js';
import { follow } from '../automata/explore.js';
import { patternRegex } from '../automata/pattern.js';
import { type Regex, RegexBuilder } from '../automata/regex.js';
import type { Rule } from '../rule.js';
import { bytesOfNames, nameTable } from '../rules/name-table.js';
import { ObjectRule } from '../rules/object.js';
import type { Property } from '../rules/object-progress.js';
import { Strings } from '../rules/string.js';
import { Pace, type Pausing } from '../slices.js';
import type { Context } from './context.js';
import { isSchema, least, list, most, names, place, record, refuse } from './fields.js';
import { type Item, type Joined, joined, originalOf } from './items.js';
import { choices } from './keywords.js';
import {
  atLeast,
  conditionsRegex,
  regexAutomaton,
  type StringConditions,
  stringConditions,
} from './strings.js';

/** Patterns of names in one place: what matches has a rule for each of their combinations. */
const maxPatterns = 16;

interface NamePattern {
  readonly owner: Joined;
  readonly source: string;
  readonly item: Item;
}

/** @throws MoeqError for what cannot be held */
export function* objectRule(items: readonly Joined[], context: Context): Pausing<Rule> {
  const patterns = items.flatMap(patternsOf);
  const [firstPath] = items.map(({ path }) => path);
  if (patterns.length > maxPatterns)
    throw refuse(`${firstPath}`, `at most ${maxPatterns} patterns of names`, patterns.length);
  const keys = keyConditions(items, context);
  const matcher = yield* nameAutomaton(patterns, keys, `${firstPath}`, context);
  const labels = matcher?.labels ?? [];
  const pace = new Pace();
  const listedKeys = keys.listed === null ? null : new Set(keys.listed);
  const named = yield* propertyNames(items, keys, pace);
  const needed = new Set<string>();
  for (const { schema, path } of items) {
    if (schema.required === undefined || typeof schema.required === 'boolean') continue;
    for (const name of names(schema.required, place(path, 'required'))) {
      needed.add(name);
      named.add(name);
      if (pace.due()) yield;
    }
  }

  if (items.length > 1) context.combine(items.length * named.size, `${firstPath}`);

  const valuesAt = (name: string | null, matched: ReadonlySet<NamePattern>): readonly Item[] =>
    items.flatMap((item) =>
      valuesIn(
        item,
        name,
        patterns.filter((each) => each.owner === item && matched.has(each)),
        items,
      ),
    );
  const patternsAt = (label: number): ReadonlySet<NamePattern> =>
    new Set(patterns.filter((_, index) => (((labels[label] ?? 0) >> index) & 1) === 1));
  const properties: Property[] = [];
  for (const name of named) {
    if (pace.due(items.length)) yield;
    const label = matcher === null ? -1 : yield* labelAfter(matcher.automaton, name, pace);
    const isListed = listedKeys?.has(name) ?? true;
    const allowed = isListed && hasLength(name, keys) && (matcher === null || label >= 0);
    if (!allowed && !needed.has(name)) continue;
    const value = allowed
      ? valuesAt(name, patternsAt(label))
      : [{ schema: false, path: firstPath ?? '', scope: [] }];
    properties.push({ name, rule: context.rule(value), required: needed.has(name) });
  }

  const closed = keys.listed !== null || (matcher !== null && matcher.automaton === null);
  const kinds = matcher === null ? [new Set<NamePattern>()] : labels.map((_, label) => patternsAt(label));
  const otherRules = closed ? [] : kinds.map((matched) => context.rule(valuesAt(null, matched)));
  const otherKeys = closed
    ? null
    : new Strings({
        automaton: matcher?.automaton ?? null,
        min: matcher === null ? keys.min : 0,
        max: keys.max,
        spelling: 'canonical',
      });
  const min = Math.max(0, ...items.map(({ schema, path }) => least(schema, 'minProperties', path)));
  const max = Math.min(
    Number.POSITIVE_INFINITY,
    ...items.map(({ schema, path }) => most(schema, 'maxProperties', path)),
  );
  const table = yield* nameTable(properties.map(({ name }) => name));
  context.remember(bytesOfNames(table));
  const rule = context.add(
    new ObjectRule({ properties, names: table, otherKeys, otherRules, min, max, blanks: context.blanks }),
  );
  context.checks.push(() => {
    const certain = properties.filter((each) => each.rule.inhabited).length;
    const open = otherRules.some(({ inhabited }) => inhabited);
    if (open && min > certain + 1 && min <= max) {
      throw refuse(
        place(firstPath ?? '', 'minProperties'),
        `at most ${certain + 1}: names that are not listed may repeat`,
        min,
      );
    }
  });
  return rule;
}

function patternsOf(owner: Joined): NamePattern[] {
  const { path, schema } = owner;
  if (schema.patternProperties === undefined) return [];
  const at = place(path, 'patternProperties');
  return Object.entries(record(schema.patternProperties, at)).map(([source, value]) => ({
    owner,
    source,
    item: { schema: value, path: place(at, source), scope: [] },
  }));
}

/** The names that schemas list, in their order. */
function* propertyNames(items: readonly Joined[], keys: KeyConditions, pace: Pace): Pausing<Set<string>> {
  const result = new Set<string>();
  for (const { path, schema } of items) {
    if (schema.properties === undefined) continue;
    for (const name of Object.keys(record(schema.properties, place(path, 'properties')))) {
      result.add(name);
      if (pace.due()) yield;
    }
  }
  for (const name of keys.listed ?? []) {
    result.add(name);
    if (pace.due()) yield;
  }
  return result;
}

/** What one schema says of the value of a name; null: of one that no schema lists. */
function valuesIn(
  { path, schema, scope }: Joined,
  name: string | null,
  matched: readonly NamePattern[],
  items: readonly Joined[],
): Item[] {
  const result = matched.map(({ item }) => item);
  const properties = isSchema(schema.properties) ? schema.properties : {};
  if (name !== null && Object.hasOwn(properties, name)) {
    result.push({ schema: properties[name], path: place(path, 'properties', name), scope: [] });
  }
  if (result.length > 0) return result;
  for (const key of ['additionalProperties', 'unevaluatedProperties'] as const) {
    const value = schema[key];
    if (value === undefined || value === null) continue;
    if (
      key === 'unevaluatedProperties' &&
      items.some((each) => evaluates(each, originalOf(schema), scope, name, path))
    )
      continue;
    return [{ schema: value, path: place(path, key), scope: [] }];
  }
  return [];
}

/** Whether a schema inside another one, in the same place, already speaks of a name. */
function evaluates(
  { schema, scope }: Joined,
  original: object,
  outer: readonly object[],
  name: string | null,
  path: string,
): boolean {
  if (!scope.includes(original as never) || outer.includes(schema)) return false;
  if (schema.patternProperties !== undefined) {
    throw refuse(place(path, 'unevaluatedProperties'), 'no patternProperties in the same place', 'both');
  }
  if (schema.additionalProperties !== undefined) return true;
  return name !== null && isSchema(schema.properties) && Object.hasOwn(schema.properties, name);
}

interface KeyConditions extends StringConditions {
  /** Names that are allowed at all; null: any that meets the conditions. */
  readonly listed: readonly string[] | null;
}

/** What `propertyNames` says. @throws MoeqError for schemas that choose */
function keyConditions(items: readonly Joined[], context: Context): KeyConditions {
  const given = items.flatMap(({ path, schema }): Item[] =>
    schema.propertyNames === undefined
      ? []
      : [{ schema: schema.propertyNames, path: place(path, 'propertyNames'), scope: [] }],
  );
  const all = joined(given, context.document);
  if (all === null) return { conditions: [], min: 0, max: Number.POSITIVE_INFINITY, listed: [] };
  const lists: (readonly string[])[] = [];
  for (const { path, schema } of all) {
    const key = choices.find((each) => each in schema);
    if (key !== undefined) throw refuse(place(path, key), 'conditions on names that all hold', key);
    const values =
      'const' in schema
        ? [schema.const]
        : schema.enum === undefined
          ? null
          : list(schema.enum, place(path, 'enum'));
    if (values === null) continue;
    lists.push(values.filter((value) => typeof value === 'string'));
  }
  const [first, ...more] = lists;
  const others = more.map((each) => new Set(each));
  const listed = first?.filter((name) => others.every((each) => each.has(name))) ?? null;
  return { ...stringConditions(all, context), listed };
}

function hasLength(name: string, { max, min }: KeyConditions): boolean {
  if (min === 0 && name.length <= max) return true;
  const { length } = [...name];
  return length >= min && length <= max;
}

interface NameMatcher {
  /** null: no name fits. */
  readonly automaton: Automaton | null;
  /** For each label, the patterns that match as bits. */
  readonly labels: readonly number[];
}

/** null where names may be anything and no pattern looks at them. */
function* nameAutomaton(
  patterns: readonly NamePattern[],
  keys: KeyConditions,
  path: string,
  context: Context,
): Pausing<NameMatcher | null> {
  if (patterns.length === 0 && keys.conditions.length === 0) return null;
  const builder = new RegexBuilder();
  const conditions = yield* conditionsRegex(builder, keys.conditions);
  const expressions: Regex[] = [];
  for (const { item, source } of patterns) expressions.push(yield* patternRegex(builder, source, item.path));
  const labels: number[] = [];
  const automaton = yield* regexAutomaton(
    builder,
    [builder.and(...conditions, ...(keys.min > 0 ? [atLeast(builder, keys.min)] : [])), ...expressions],
    ([allowed, ...matching]) => {
      if (allowed?.nullable !== true) return -1;
      const bits = matching.reduce((sum, regex, index) => sum + (regex.nullable ? 1 << index : 0), 0);
      if (!labels.includes(bits)) labels.push(bits);
      return labels.indexOf(bits);
    },
    path,
    context,
  );
  return { automaton, labels };
}

function* labelAfter(automaton: Automaton | null, name: string, pace: Pace): Pausing<number> {
  if (automaton === null) return -1;
  let state = 0;
  for (const character of name) {
    state = follow(automaton, state, character);
    if (state < 0) return -1;
    if (pace.due()) yield;
  }
  return automaton.labels[state] as number;
}
