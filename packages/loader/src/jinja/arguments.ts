// Arguments of filters, tests and methods, by place or by name, as Python's signatures take them.
import { TemplateFault } from './errors.js';
import {
  integerOf,
  type Keywords,
  SentText,
  textOf,
  typeName,
  Undefined,
  type Value,
} from './python/values.js';

/** What a call gives, by the names of the signature. */
export class Given {
  readonly #name: string;
  readonly #values: ReadonlyMap<string, Value>;

  /** @throws TemplateFault for more arguments than names, an unknown name or one given twice */
  constructor(name: string, names: readonly string[], args: readonly Value[], keywords: Keywords) {
    const values = new Map<string, Value>();
    if (args.length > names.length)
      throw new TemplateFault(`${name} takes at most ${names.length} arguments (${args.length} given)`);
    for (const [index, value] of args.entries()) values.set(names[index] ?? '', value);
    for (const [key, value] of keywords) {
      if (!names.includes(key))
        throw new TemplateFault(`${name} got an unexpected keyword argument '${key}'`);
      if (values.has(key)) throw new TemplateFault(`${name} got multiple values for argument '${key}'`);
      values.set(key, value);
    }
    this.#name = name;
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values.has(name);
  }

  /** @throws TemplateFault where there is neither value nor fallback */
  value(name: string, fallback?: Value): Value {
    const value = this.#values.get(name) ?? fallback;
    const found = this.#values.has(name) ? this.#values.get(name) : value;
    if (found === undefined) throw new TemplateFault(`${this.#name} missing required argument '${name}'`);
    return found;
  }

  /** @throws TemplateFault for what is no text */
  text(name: string, fallback?: string): string {
    const value = this.value(name, fallback);
    const text = value instanceof SentText ? value.text : textOf(value);
    if (text !== undefined) return text;
    if (value instanceof Undefined) return value.fail();
    throw new TemplateFault(`${this.#name}: ${name} must be str, not ${typeName(value)}`);
  }

  /** A text, or null for None. */
  optionalText(name: string): string | null {
    return this.value(name, null) === null ? null : this.text(name);
  }

  /** @throws TemplateFault for what is no integer */
  integer(name: string, fallback?: bigint): number {
    const value = this.value(name, fallback);
    const integer = integerOf(value);
    if (integer !== undefined) return Number(integer);
    if (value instanceof Undefined) return value.fail();
    throw new TemplateFault(`${this.#name}: '${typeName(value)}' object cannot be interpreted as an integer`);
  }

  optionalInteger(name: string): number | null {
    return this.value(name, null) === null ? null : this.integer(name);
  }
}
