// What schemas in one place say about arrays: items by their place, and what has to be among them.
import type { Rule } from '../rule.js';
import { LeafRule } from '../rule.js';
import { type Item as ArrayItem, ArrayRule } from '../rules/array.js';
import { ChoiceRule } from '../rules/choice.js';
import { DistinctArrayRule } from '../rules/distinct-array.js';
import { Pace, type Pausing } from '../slices.js';
import type { Context } from './context.js';
import { least, list, most, place, refuse } from './fields.js';
import { type Item, type Joined, originalOf } from './items.js';

/** @throws MoeqError for what cannot be held */
export function* arrayRule(items: readonly Joined[], context: Context): Pausing<Rule> {
  const path = items[0]?.path ?? '';
  const min = Math.max(0, ...items.map((each) => least(each.schema, 'minItems', each.path)));
  const max = Math.min(
    Number.POSITIVE_INFINITY,
    ...items.map((each) => most(each.schema, 'maxItems', each.path)),
  );
  const { blanks } = context;
  const places = Math.max(0, ...items.map((item) => prefixOf(item).length));
  const at = (index: number) => items.flatMap((item) => itemIn(item, index, items));
  const contained = items.filter(({ schema }) => schema.contains !== undefined);
  const distinct = items.find(({ schema }) => schema.uniqueItems === true);
  if (distinct !== undefined && max > 1) {
    const where = place(distinct.path, 'uniqueItems');
    if (places > 0 || contained.length > 0)
      throw refuse(where, 'no prefixItems and no contains beside it', true);
    const item = context.rule(at(0), true);
    context.checks.push(() => assertLeaves(item, where));
    return context.add(new DistinctArrayRule({ item, min, max, blanks }));
  }
  const { marked, minMarked, maxMarked, opposite } = containing(contained);
  const ruleAt = (index: number): ArrayItem => {
    const schemas = at(index);
    return {
      plain: context.rule([...schemas, ...opposite]),
      marked: marked === null ? null : context.rule([...schemas, marked]),
    };
  };
  const pace = new Pace();
  const prefix: ArrayItem[] = [];
  for (let index = 0; index < Math.min(places, max); index += 1) {
    prefix.push(ruleAt(index));
    if (pace.due(items.length)) yield;
  }
  const rule = new ArrayRule({ prefix, rest: ruleAt(places), min, max, minMarked, maxMarked, blanks });
  rule.why = `${path}: items that nothing fits`;
  return context.add(rule);
}

/** The first items, one by one: also as draft 7 lists them. */
function prefixOf({ path, schema }: Joined): readonly unknown[] {
  const { items, prefixItems } = schema;
  if (Array.isArray(items)) return items;
  if (prefixItems === undefined) return [];
  return Array.isArray(prefixItems) ? prefixItems : list(prefixItems, place(path, 'prefixItems'));
}

/** What one schema says of the item at a place. */
function itemIn(item: Joined, index: number, items: readonly Joined[]): Item[] {
  const { path, schema, scope } = item;
  const prefix = prefixOf(item);
  const listed = Array.isArray(schema.items);
  if (index < prefix.length) {
    const key = listed ? 'items' : 'prefixItems';
    return [{ schema: prefix[index], path: place(path, key, index), scope: [] }];
  }
  const key = listed ? 'additionalItems' : 'items';
  if (schema[key] !== undefined) return [{ schema: schema[key], path: place(path, key), scope: [] }];
  if (schema.unevaluatedItems === undefined) return [];
  const where = place(path, 'unevaluatedItems');
  const inside = items.filter(
    (each) => each.scope.includes(originalOf(schema)) && !scope.includes(each.schema),
  );
  if ([item, ...inside].some((each) => each.schema.contains !== undefined)) {
    throw refuse(where, 'no contains in the same place', 'both');
  }
  const evaluated = inside.some(
    (each) =>
      index < prefixOf(each).length || (each.schema.items !== undefined && !Array.isArray(each.schema.items)),
  );
  return evaluated ? [] : [{ schema: schema.unevaluatedItems, path: where, scope: [] }];
}

interface Containing {
  readonly marked: Item | null;
  /** What the items that do not count have to be. */
  readonly opposite: readonly Item[];
  readonly minMarked: number;
  readonly maxMarked: number;
}

function containing(items: readonly Joined[]): Containing {
  const [only, ...more] = items;
  if (only === undefined)
    return { marked: null, opposite: [], minMarked: 0, maxMarked: Number.POSITIVE_INFINITY };
  const { path, schema } = only;
  if (more.length > 0) throw refuse(place(path, 'contains'), 'one contains in one place', 'several');
  const where = place(path, 'contains');
  const minMarked = schema.minContains === undefined ? 1 : least(schema, 'minContains', path);
  const maxMarked = most(schema, 'maxContains', path);
  const marked = { schema: schema.contains, path: where, scope: [] };
  const opposite =
    maxMarked === Number.POSITIVE_INFINITY
      ? []
      : [{ schema: { not: schema.contains }, path: where, scope: [] }];
  return { marked, opposite, minMarked, maxMarked };
}

function assertLeaves(item: Rule, where: string): void {
  const leaves = item instanceof ChoiceRule ? item.leaves : [item];
  if (leaves.every((rule) => rule instanceof LeafRule)) return;
  throw refuse(where, 'items without objects and lists', 'items that may be some');
}
