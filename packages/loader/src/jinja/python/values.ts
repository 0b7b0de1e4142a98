// Python's values, as templates see them: integers are bigints and floats are numbers, so that 1 and 1.0 differ as they do
// there; None is null, lists are arrays. Nothing can be changed but namespaces: the sandbox of transformers allows no more.
import { TemplateFault } from '../errors.js';

export type Value =
  | null
  | boolean
  | bigint
  | number
  | string
  | readonly Value[]
  | Tuple
  | Dict
  | View
  | PythonRange
  | Iter
  | Undefined
  | Markup
  | SentText
  | Namespace
  | Func
  | Instance;

export class Tuple {
  readonly items: readonly Value[];
  /** Names of its items, e.g. of what groupby yields. */
  readonly names: readonly string[];

  constructor(items: readonly Value[], names: readonly string[] = []) {
    this.items = items;
    this.names = names;
  }
}

/** Keys as a Map compares them: numbers that are equal in Python are the same, tuples by their items. */
export function hashKey(key: Value): unknown {
  if (typeof key === 'string' || key === null) return key;
  if (typeof key === 'boolean') return key ? 1n : 0n;
  if (typeof key === 'number') return Number.isInteger(key) ? BigInt(key) : key;
  if (key instanceof Markup) return key.text;
  if (key instanceof Tuple) {
    const parts = key.items.map((item) => {
      const hash = hashKey(item);
      return `${typeof hash}:${String(hash).length}:${String(hash)}`;
    });
    return `\0tuple ${parts.join(',')}`;
  }
  if (Array.isArray(key) || key instanceof Dict || key instanceof SentText)
    throw new TemplateFault(`unhashable type: '${typeName(key)}'`);
  return key;
}

export class Dict {
  readonly #entries = new Map<unknown, [Value, Value]>();

  /** Of two entries with one key the second's value stands in the place of the first. */
  constructor(entries: Iterable<readonly [Value, Value]> = []) {
    for (const [key, value] of entries) {
      const hash = hashKey(key);
      this.#entries.set(hash, [this.#entries.get(hash)?.[0] ?? key, value]);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  get(key: Value): Value | undefined {
    return this.#entries.get(hashKey(key))?.[1];
  }

  has(key: Value): boolean {
    return this.#entries.has(hashKey(key));
  }

  entries(): readonly (readonly [Value, Value])[] {
    return [...this.#entries.values()];
  }

  keys(): Value[] {
    return this.entries().map(([key]) => key);
  }
}

/** What keys(), values() and items() of a dict give. */
export class View {
  readonly kind: 'keys' | 'values' | 'items';
  readonly dict: Dict;

  constructor(kind: View['kind'], dict: Dict) {
    this.kind = kind;
    this.dict = dict;
  }

  items(): readonly Value[] {
    if (this.kind === 'keys') return this.dict.keys();
    const entries = this.dict.entries();
    return entries.map((entry) => (this.kind === 'values' ? entry[1] : new Tuple(entry)));
  }
}

export class PythonRange {
  readonly start: bigint;
  readonly stop: bigint;
  readonly step: bigint;

  constructor(start: bigint, stop: bigint, step: bigint) {
    this.start = start;
    this.stop = stop;
    this.step = step;
  }

  get length(): number {
    const span = this.step > 0n ? this.stop - this.start : this.start - this.stop;
    const step = this.step > 0n ? this.step : -this.step;
    return span <= 0n ? 0 : Number((span + step - 1n) / step);
  }

  at(index: number): bigint {
    return this.start + BigInt(index) * this.step;
  }
}

/** A generator: what it yields can be gone through once. */
export class Iter {
  readonly values: Iterator<Value>;

  constructor(values: Iterable<Value>) {
    this.values = values[Symbol.iterator]();
  }
}

/** A name or attribute that is not there: no text, no items, false; an error where it is used as more. */
export class Undefined {
  readonly message: string;

  constructor(message: string) {
    this.message = message;
  }

  fail(): never {
    throw new TemplateFault(this.message);
  }
}

/** Text that is escaped already: what is added to it is escaped. */
export class Markup {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/**
 * The arguments of a tool call as the text in which a client sent them: a text where a template prints it, joins it or asks
 * whether it is a string; the map that the text denotes where it is used as one.
 */
export class SentText {
  readonly text: string;
  readonly dict: Dict;

  constructor(text: string, dict: Dict) {
    this.text = text;
    this.dict = dict;
  }
}

/** The one kind of value that can be changed, by `{% set ns.name = ... %}`. */
export class Namespace {
  readonly attributes = new Map<string, Value>();
}

export type Keywords = ReadonlyMap<string, Value>;

export class Func {
  readonly name: string;
  readonly call: (args: readonly Value[], keywords: Keywords) => Value;
  /** What it has besides, e.g. a macro's arguments. */
  readonly attributes: ReadonlyMap<string, Value>;

  constructor(name: string, call: Func['call'], attributes: Func['attributes'] = new Map()) {
    this.name = name;
    this.call = call;
    this.attributes = attributes;
  }
}

/** An object of Jinja: a loop, a cycler. */
export interface Instance {
  readonly isInstance: true;
  attribute(name: string): Value | undefined;
  readonly call?: Func['call'];
  /** How Python prints it; absent where that contains an address. */
  text?(): string;
}

export function isInstance(value: Value): value is Instance {
  return typeof value === 'object' && value !== null && 'isInstance' in value;
}

/** Text of a string, plain or marked. */
export function textOf(value: Value): string | undefined {
  if (typeof value === 'string') return value;
  return value instanceof Markup ? value.text : undefined;
}

/** A value, or another where there is none: None is one. */
export function orElse(value: Value | undefined, otherwise: () => Value): Value {
  return value === undefined ? otherwise() : value;
}

/** The map, where the text of one was sent; anything else as it is. */
export function asMap(value: Value): Value {
  return value instanceof SentText ? value.dict : value;
}

/** Items of a list or tuple. */
export function itemsOf(value: Value): readonly Value[] | undefined {
  if (value instanceof Tuple) return value.items;
  return isList(value) ? value : undefined;
}

export function isList(value: Value): value is readonly Value[] {
  return Array.isArray(value);
}

/** Integers and bools, which are integers too. */
export function integerOf(value: Value): bigint | undefined {
  if (typeof value === 'bigint') return value;
  return typeof value === 'boolean' ? BigInt(value) : undefined;
}

/** Any number, bools among them. */
export function numberOf(value: Value): bigint | number | undefined {
  return typeof value === 'number' ? value : integerOf(value);
}

/** The name of its type in Python, for messages. */
export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'bigint') return 'int';
  if (typeof value === 'number') return 'float';
  if (typeof value === 'string' || value instanceof SentText) return 'str';
  if (isList(value)) return 'list';
  if (isInstance(value)) return 'object';
  if (value instanceof View) return `dict_${value.kind}`;
  return classes.find(([kind]) => value instanceof kind)?.[1] ?? 'object';
}

/** Written out, since bundlers shorten the names of classes. */
const classes = [
  [Tuple, 'tuple'],
  [Dict, 'dict'],
  [PythonRange, 'range'],
  [Iter, 'generator'],
  [Func, 'function'],
  [Undefined, 'Undefined'],
  [Markup, 'Markup'],
  [Namespace, 'Namespace'],
] as const;
