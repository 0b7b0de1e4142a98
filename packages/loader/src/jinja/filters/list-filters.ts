// Filters of lists and maps.

import type { Given } from '../arguments.js';
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { arithmetic } from '../python/arithmetic.js';
import { equal, order, truth } from '../python/compare.js';
import { iterate, listOf } from '../python/iterate.js';
import { characters } from '../python/text.js';
import {
  asMap,
  Dict,
  hashKey,
  Iter,
  itemsOf,
  orElse,
  PythonRange,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
  View,
} from '../python/values.js';
import { attributeGetter, attributeGetters, ignoringCase } from './attribute-getter.js';
import type { Filter, OpenFilter, Rendering } from './filter.js';

export const listFilters: Readonly<Record<string, Filter>> = {
  list: [[], (value, _, { budget }) => listOf(value, budget).slice()],
  first: [
    [],
    (value, _, { budget }) => {
      for (const item of iterate(value, budget)) return item;
      return new Undefined('No first item, sequence was empty.');
    },
  ],
  last: [
    [],
    (value, _, { budget }) =>
      orElse(reversedItems(value, budget)[0], () => new Undefined('No last item, sequence was empty.')),
  ],
  reverse: [
    [],
    (value, _, { budget }) => {
      const text = textOf(value);
      if (text !== undefined) return characters(text).slice().reverse().join('');
      return value instanceof Iter
        ? listOf(value, budget).slice().reverse()
        : new Iter(reversedItems(value, budget));
    },
  ],
  items: [
    [],
    (given) => {
      const value = asMap(given);
      if (value instanceof Undefined) return new Iter([]);
      if (!(value instanceof Dict)) throw new TemplateFault('Can only get item pairs from a mapping.');
      return new Iter(value.entries().map((entry) => new Tuple(entry)));
    },
  ],
  dictsort: [['case_sensitive', 'by', 'reverse'], dictsort],
  sort: [
    ['reverse', 'case_sensitive', 'attribute'],
    (value, given, { budget }) => {
      const getters = attributeGetters(given.value('attribute', null), budget);
      const caseSensitive = truth(given.value('case_sensitive', false));
      const key = (item: Value) =>
        new Tuple(getters.map((getter) => ignoringCase(getter(item), caseSensitive)));
      return sortBy(listOf(value, budget), key, truth(given.value('reverse', false)), budget);
    },
  ],
  unique: [
    ['case_sensitive', 'attribute'],
    (value, given, { budget }) => {
      const key = keyGetter(given, budget);
      return new Iter(unique(iterate(value, budget), key));
    },
  ],
  min: [['case_sensitive', 'attribute'], (value, given, rendering) => extreme(value, given, rendering, -1)],
  max: [['case_sensitive', 'attribute'], (value, given, rendering) => extreme(value, given, rendering, 1)],
  sum: [
    ['attribute', 'start'],
    (value, given, { budget }) => {
      const getter = attributeGetter(given.value('attribute', null), budget);
      let total = given.value('start', 0n);
      if (textOf(total) !== undefined) throw new TemplateFault("sum() can't sum strings");
      for (const item of iterate(value, budget)) total = arithmetic('+', total, getter(item), budget);
      return total;
    },
  ],
  groupby: [['attribute', 'default', 'case_sensitive'], groupby],
  batch: [
    ['linecount', 'fill_with'],
    (value, given, { budget }) => {
      const items = listOf(value, budget);
      const size = given.integer('linecount');
      if (size <= 0) throw new TemplateFault('batch: expected a linecount above 0');
      const fill = given.value('fill_with', null);
      const lines: Value[][] = [];
      for (let at = 0; at < items.length; at += size) lines.push(items.slice(at, at + size));
      const last = lines.at(-1);
      budget.values(size);
      if (fill !== null) while (last !== undefined && last.length < size) last.push(fill);
      return new Iter(lines);
    },
  ],
  slice: [
    ['slices', 'fill_with'],
    (value, given, { budget }) => {
      const items = listOf(value, budget);
      const slices = given.integer('slices');
      budget.values(slices);
      if (slices === 0) throw new TemplateFault('division by zero');
      const fill = given.value('fill_with', null);
      const [size, extra] = [Math.floor(items.length / slices), items.length % slices];
      let at = 0;
      const parts = Array.from({ length: Math.max(slices, 0) }, (_, index) => {
        const part = items.slice(at, at + size + (index < extra ? 1 : 0));
        at += part.length;
        return fill !== null && index >= extra ? [...part, fill] : part;
      });
      return new Iter(parts);
    },
  ],
};

/** map, select and others, which take the names of other filters and tests. */
export const mappingFilters: Readonly<Record<string, OpenFilter>> = {
  map: (value, args, keywords, rendering) => {
    if (!truth(value)) return new Iter([]);
    const { budget } = rendering;
    const [name, ...others] = args;
    if (name === undefined && keywords.has('attribute')) {
      const unknown = [...keywords.keys()].find((key) => key !== 'attribute' && key !== 'default');
      if (unknown !== undefined) throw new TemplateFault(`Unexpected keyword argument '${unknown}'`);
      const getter = attributeGetter(
        keywords.get('attribute') ?? null,
        budget,
        keywords.get('default') ?? null,
      );
      return new Iter(mapped(iterate(value, budget), getter));
    }
    const filter = name === undefined ? undefined : textOf(name);
    if (filter === undefined) throw new TemplateFault('map requires a filter argument');
    return new Iter(
      mapped(iterate(value, budget), (item) => rendering.filter(filter, item, others, keywords)),
    );
  },
  select: selecting(true, false),
  reject: selecting(false, false),
  selectattr: selecting(true, true),
  rejectattr: selecting(false, true),
};

function selecting(kept: boolean, byAttribute: boolean): OpenFilter {
  return (value, args, keywords, rendering) => {
    if (!truth(value)) return new Iter([]);
    const { budget } = rendering;
    const [attribute] = args;
    if (byAttribute && attribute === undefined)
      throw new TemplateFault('Missing parameter for attribute name');
    const getter = attributeGetter(byAttribute ? (attribute ?? null) : null, budget);
    const [test, ...others] = byAttribute ? args.slice(1) : args;
    const name = test === undefined ? null : textOf(test);
    if (name === undefined) throw new TemplateFault(`No test named ${typeName(test ?? null)}`);
    const passes = (item: Value) => {
      const tested = getter(item);
      return (name === null ? truth(tested) : rendering.test(name, tested, others, keywords)) === kept;
    };
    return new Iter(filtered(iterate(value, budget), passes));
  };
}

function* mapped(items: Iterable<Value>, action: (item: Value) => Value): Generator<Value> {
  for (const item of items) yield action(item);
}

function* filtered(items: Iterable<Value>, passes: (item: Value) => boolean): Generator<Value> {
  for (const item of items) if (passes(item)) yield item;
}

function* unique(items: Iterable<Value>, key: (item: Value) => Value): Generator<Value> {
  const seen = new Set<unknown>();
  for (const item of items) {
    const hash = hashKey(key(item));
    if (!seen.has(hash)) yield item;
    seen.add(hash);
  }
}

function keyGetter(given: Given, budget: Budget): (item: Value) => Value {
  const getter = attributeGetter(given.value('attribute', null), budget);
  const caseSensitive = truth(given.value('case_sensitive', false));
  return (item) => ignoringCase(getter(item), caseSensitive);
}

/** What reversed() takes. */
function reversedItems(value: Value, budget: Budget): Value[] {
  const isReversible =
    textOf(value) !== undefined ||
    itemsOf(value) !== undefined ||
    [Dict, View, PythonRange, Undefined].some((kind) => value instanceof kind);
  if (!isReversible) throw new TemplateFault(`'${typeName(value)}' object is not reversible`);
  return listOf(value, budget).slice().reverse();
}

/** A stable sort; reversed it stays stable. */
function sortBy(
  items: readonly Value[],
  key: (item: Value) => Value,
  reverse: boolean,
  budget: Budget,
): Value[] {
  const keyed = items.map((item) => [key(item), item] as const);
  keyed.sort(([a], [b]) => {
    budget.charge(1 / 8);
    const difference = order(a, b, budget);
    return reverse ? -difference : difference;
  });
  return keyed.map(([, item]) => item);
}

function dictsort(given: Value, options: Given, { budget }: Rendering): Value {
  const value = asMap(given);
  const by = options.value('by', 'key');
  if (by !== 'key' && by !== 'value') throw new TemplateFault('You can only sort by either "key" or "value"');
  if (value instanceof Undefined) value.fail();
  if (!(value instanceof Dict))
    throw new TemplateFault(`'${typeName(value)}' object has no attribute 'items'`);
  const caseSensitive = truth(options.value('case_sensitive', false));
  const pairs = value.entries().map((entry) => new Tuple(entry));
  const key = (pair: Value) => ignoringCase(itemsOf(pair)?.[by === 'key' ? 0 : 1] ?? null, caseSensitive);
  return sortBy(pairs, key, truth(options.value('reverse', false)), budget);
}

function extreme(value: Value, given: Given, { budget }: Rendering, sign: number): Value {
  const key = keyGetter(given, budget);
  let best: Value | undefined;
  for (const item of iterate(value, budget))
    if (best === undefined || sign * order(key(item), key(best), budget) > 0) best = item;
  return best === undefined ? new Undefined('No aggregated item, sequence was empty.') : best;
}

function groupby(value: Value, given: Given, { budget }: Rendering): Value {
  const getter = attributeGetter(given.value('attribute'), budget, given.value('default', null));
  const caseSensitive = truth(given.value('case_sensitive', false));
  const key = (item: Value) => ignoringCase(getter(item), caseSensitive);
  const groups: { readonly key: Value; readonly items: Value[] }[] = [];
  for (const item of sortBy(listOf(value, budget), key, false, budget)) {
    const last = groups.at(-1);
    if (last !== undefined && equal(last.key, key(item), budget)) last.items.push(item);
    else groups.push({ key: key(item), items: [item] });
  }
  return groups.map((group) => {
    const [first = null] = group.items;
    return new Tuple([caseSensitive ? group.key : getter(first), group.items], ['grouper', 'list']);
  });
}
