// Attributes and items, as Jinja's sandbox looks them up: `a.b` is an attribute before it is an item, `a['b']` the other way
// round; what is in neither is undefined. Methods that change a value are there and cannot be used.

import { Given } from '../arguments.js';
import type { Budget } from '../budget.js';
import { TemplateFault, TemplateUnsupported } from '../errors.js';
import { equal } from './compare.js';
import { type FormatValues, formatText } from './format-spec.js';
import { listOf } from './iterate.js';
import { repr, str } from './print.js';
import { Slice, sliced } from './slice.js';
import { characters, escapeHtml } from './text.js';
import { callTextMethod, isTextMethod, otherTextMethods } from './text-methods.js';
import {
  Dict,
  Func,
  integerOf,
  isInstance,
  itemsOf,
  Markup,
  Namespace,
  orElse,
  PythonRange,
  SentText,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.js';

/** `object.name`. @throws TemplateFault for a part of something undefined */
export function attributeOf(object: Value, name: string, budget: Budget): Value {
  const attribute = ownAttribute(object, name, budget);
  const found = attribute === undefined ? ownItem(object, name, budget) : attribute;
  return orElse(found, () => missing(object, name, budget));
}

/** `object[key]`. @throws TemplateFault for a part of something undefined */
export function itemOf(object: Value, key: Value | Slice, budget: Budget): Value {
  if (object instanceof Undefined) object.fail();
  if (key instanceof Slice) return sliced(object, key, budget);
  const item = ownItem(object, key, budget);
  const name = textOf(key);
  const found = item === undefined && name !== undefined ? ownAttribute(object, name, budget) : item;
  return orElse(found, () => missing(object, key, budget));
}

function missing(object: Value, name: Value, budget: Budget): Undefined {
  return new Undefined(`'${typeName(object)} object' has no attribute ${repr(name, budget).slice(0, 100)}`);
}

function ownItem(object: Value, key: Value, budget: Budget): Value | undefined {
  if (object instanceof Dict || object instanceof SentText) {
    const dict = object instanceof SentText ? object.dict : object;
    const isHashable = !(Array.isArray(key) || key instanceof Dict);
    return isHashable ? dict.get(key) : undefined;
  }
  const index = integerOf(key);
  if (index === undefined) return undefined;
  const at = (length: number) => Number(index < 0n ? index + BigInt(length) : index);
  const items = itemsOf(object);
  if (items !== undefined) return items[at(items.length)];
  if (object instanceof PythonRange) {
    const place = at(object.length);
    return place >= 0 && place < object.length ? object.at(place) : undefined;
  }
  const text = textOf(object);
  if (text === undefined) return undefined;
  budget.characters(text.length);
  const list = characters(text);
  const found = list[at(list.length)];
  return found !== undefined && object instanceof Markup ? new Markup(found) : found;
}

/** Methods that change lists and dicts: there, and of no use. */
const changing: readonly string[] = [
  ...['append', 'clear', 'extend', 'insert', 'pop', 'remove', 'reverse', 'sort'],
  ...['popitem', 'setdefault', 'update'],
];

function unsafe(object: Value, name: string): Undefined {
  return new Undefined(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`);
}

/** An attribute, never an item; undefined where there is none. */
export function ownAttribute(object: Value, name: string, budget: Budget): Value | undefined {
  if (object instanceof Undefined) return object.fail();
  if (name.startsWith('__')) return dunder(object, name);
  if (object instanceof SentText) {
    const method = dictMethod(object.dict, name);
    return method === undefined ? textMethod(object.text, name, object, budget) : method;
  }
  if (object instanceof Dict) return dictMethod(object, name);
  const text = textOf(object);
  if (text !== undefined) return textMethod(text, name, object, budget);
  const items = itemsOf(object);
  if (items !== undefined) return listMethod(object, items, name, budget);
  if (object instanceof Namespace) return object.attributes.get(name);
  if (object instanceof Func) return object.attributes.get(name);
  if (object instanceof PythonRange) return rangeAttribute(object, name, budget);
  if (object instanceof View && name === 'mapping')
    throw new TemplateUnsupported('the attribute mapping of a view');
  if (typeof object === 'number' || integerOf(object) !== undefined) return numberAttribute(object, name);
  return object !== null && isInstance(object) ? object.attribute(name) : undefined;
}

/** Names between double underscores are private to Python: those that every object has are there and of no use. */
function dunder(object: Value, name: string): Undefined | undefined {
  return [
    '__class__',
    '__doc__',
    '__init__',
    '__str__',
    '__repr__',
    '__eq__',
    '__hash__',
    '__dict__',
  ].includes(name)
    ? unsafe(object, name)
    : undefined;
}

function textMethod(text: string, name: string, object: Value, budget: Budget): Value | undefined {
  if (name === 'format')
    return new Func('format', (args, keywords) =>
      marked(object, formatOf(text, args, keywords, budget, object)),
    );
  if (otherTextMethods.includes(name)) throw new TemplateUnsupported(`the method ${name} of a text`);
  if (!isTextMethod(name)) return undefined;
  return new Func(name, (args, keywords) => {
    const plain =
      object instanceof Markup ? args.map((arg) => (typeof arg === 'string' ? escapeHtml(arg) : arg)) : args;
    const isChecked = [
      'strip',
      'lstrip',
      'rstrip',
      'startswith',
      'endswith',
      'find',
      'split',
      'rsplit',
      'count',
    ].includes(name);
    const result = callTextMethod(name, text, isChecked ? args : plain, keywords, budget);
    if (!(object instanceof Markup)) return result;
    return Array.isArray(result) ? result.map((each: Value) => marked(object, each)) : marked(object, result);
  });
}

/** What is made of an escaped text is one too. */
function marked(object: Value, result: Value): Value {
  return object instanceof Markup && typeof result === 'string' ? new Markup(result) : result;
}

function formatOf(
  text: string,
  args: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
  budget: Budget,
  object: Value,
): string {
  const values: FormatValues = {
    positional: args,
    keyword: (name) => keywords.get(name),
    attribute: (value, name) => attributeOf(value, name, budget),
    item: (value, key) => itemOf(value, key, budget),
  };
  if (!(object instanceof Markup)) return formatText(text, values, budget);
  return formatText(text, values, budget, (field, value) =>
    value instanceof Markup ? field : escapeHtml(field),
  );
}

function dictMethod(dict: Dict, name: string): Value | undefined {
  const method = (names: readonly string[], call: (given: Given) => Value) =>
    new Func(name, (args, keywords) => call(new Given(`${name}()`, names, args, keywords)));
  switch (name) {
    case 'keys':
    case 'values':
    case 'items':
      return method([], () => new View(name, dict));
    case 'get':
      return method(['key', 'default'], (given) =>
        orElse(dict.get(given.value('key')), () => given.value('default', null)),
      );
    case 'copy':
      return method([], () => dict);
    case 'fromkeys':
      throw new TemplateUnsupported('the method fromkeys of a dict');
    default:
      return ['clear', 'pop', 'popitem', 'setdefault', 'update'].includes(name)
        ? unsafe(dict, name)
        : undefined;
  }
}

function listMethod(object: Value, items: readonly Value[], name: string, budget: Budget): Value | undefined {
  const place = object instanceof Tuple ? object.names.indexOf(name) : -1;
  if (place >= 0) return items[place];
  if (name === 'index' || name === 'count') {
    return new Func(name, (args, keywords) => {
      const wanted = new Given(`${name}()`, ['value'], args, keywords).value('value');
      budget.values(items.length);
      const matches = items
        .map((item, index) => (equal(item, wanted, budget) ? index : -1))
        .filter((index) => index >= 0);
      if (name === 'count') return BigInt(matches.length);
      const [first] = matches;
      if (first === undefined) throw new TemplateFault(`${str(wanted, budget).slice(0, 100)} is not in list`);
      return BigInt(first);
    });
  }
  if (object instanceof Tuple) return undefined;
  if (name === 'copy') return new Func(name, () => listOf(items, budget));
  return changing.slice(0, 8).includes(name) ? unsafe(object, name) : undefined;
}

function rangeAttribute(range: PythonRange, name: string, budget: Budget): Value | undefined {
  if (name === 'start' || name === 'stop' || name === 'step') return range[name];
  return name === 'index' || name === 'count'
    ? listMethod(range, listOf(range, budget), name, budget)
    : undefined;
}

function numberAttribute(object: Value, name: string): Value | undefined {
  const plain = typeof object === 'number' ? object : (integerOf(object) ?? 0n);
  if (name === 'real') return plain;
  if (name === 'imag') return typeof object === 'number' ? 0 : 0n;
  if (typeof object === 'number') {
    if (name === 'is_integer') return new Func(name, () => Number.isInteger(object));
    return undefined;
  }
  if (name === 'numerator') return plain;
  if (name === 'denominator') return 1n;
  if (name === 'bit_length') throw new TemplateUnsupported('the method bit_length of an integer');
  return undefined;
}
