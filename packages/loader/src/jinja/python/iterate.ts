// Iteration over values.
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { characters } from './text.js';
import {
  asMap,
  Dict,
  Iter,
  itemsOf,
  PythonRange,
  textOf,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.js';

/** Whether iter() takes it. */
export function isIterable(given: Value): boolean {
  const value = asMap(given);
  return (
    textOf(value) !== undefined ||
    itemsOf(value) !== undefined ||
    [Dict, View, PythonRange, Iter, Undefined].some((kind) => value instanceof kind)
  );
}

/** Its items one after the other. @throws TemplateFault for what is not iterable; TemplateLimit */
export function iterate(given: Value, budget: Budget): Iterable<Value> {
  const value = asMap(given);
  const text = textOf(value);
  if (text !== undefined) {
    budget.values(text.length);
    return characters(text);
  }
  const items = itemsOf(value);
  if (items !== undefined) return counted(items, budget);
  if (value instanceof Dict) return counted(value.keys(), budget);
  if (value instanceof View) return counted(value.items(), budget);
  if (value instanceof PythonRange) return counted(rangeItems(value), budget);
  if (value instanceof Iter) return counted(rest(value), budget);
  if (value instanceof Undefined) return [];
  throw new TemplateFault(`'${typeName(value)}' object is not iterable`);
}

/** All of its items. @throws TemplateFault for what is not iterable; TemplateLimit */
export function listOf(value: Value, budget: Budget): readonly Value[] {
  const items = itemsOf(value);
  if (items === undefined) {
    const list: Value[] = [];
    for (const item of iterate(value, budget)) list.push(item);
    budget.values(list.length);
    return list;
  }
  budget.values(items.length);
  return items;
}

/** What costs an evaluation for every thirty-two of its items. */
function* counted(items: Iterable<Value>, budget: Budget): Generator<Value> {
  for (const item of items) {
    budget.charge(1 / 32);
    yield item;
  }
}

function* rangeItems(range: PythonRange): Generator<Value> {
  for (let index = 0; index < range.length; index += 1) yield range.at(index);
}

/** What a generator has not yielded yet; unlike a loop over it, leaving early keeps the rest. */
function* rest({ values }: Iter): Generator<Value> {
  for (let next = values.next(); next.done !== true; next = values.next()) yield next.value;
}
