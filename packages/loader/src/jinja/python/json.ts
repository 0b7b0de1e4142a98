// json.dumps of Python, as transformers' tojson calls it: ensure_ascii false, HTML not escaped.
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { floatText } from './numbers.js';
import { compareText } from './text.js';
import { asMap, Dict, itemsOf, textOf, typeName, type Value } from './values.js';

export interface JsonOptions {
  readonly ensureAscii: boolean;
  /** What one level is indented by; null: all on one line. */
  readonly indent: string | null;
  readonly itemSeparator: string;
  readonly keySeparator: string;
  readonly sortKeys: boolean;
}

/** @throws TemplateFault for what is no JSON; TemplateLimit */
export function dumps(value: Value, options: JsonOptions, budget: Budget): string {
  return new Writer(options, budget).write(value, '\n');
}

class Writer {
  readonly #options: JsonOptions;
  readonly #budget: Budget;

  constructor(options: JsonOptions, budget: Budget) {
    this.#options = options;
    this.#budget = budget;
  }

  /** @param newline and the white space of the level */
  write(given: Value, newline: string): string {
    const value = asMap(given);
    const plain = scalar(value) ?? this.#text(textOf(value));
    if (plain !== undefined) return plain;
    const items = itemsOf(value);
    if (items !== undefined)
      return this.#container('[]', items, newline, (item, inner) => this.write(item, inner));
    if (!(value instanceof Dict))
      throw new TemplateFault(`Object of type ${typeName(value)} is not JSON serializable`);
    const entries = this.#options.sortKeys ? sorted(value) : value.entries();
    return this.#container('{}', entries, newline, ([key, each], inner) => {
      return this.#key(key) + this.#options.keySeparator + this.write(each, inner);
    });
  }

  #container<Item>(
    brackets: string,
    items: readonly Item[],
    newline: string,
    write: (item: Item, newline: string) => string,
  ): string {
    if (items.length === 0) return brackets;
    this.#budget.enter();
    this.#budget.values(items.length);
    const { indent, itemSeparator } = this.#options;
    const inner = indent === null ? '' : newline + indent;
    const parts = items.map((item) => write(item, indent === null ? newline : inner));
    const text = inner + parts.join(itemSeparator + inner) + (indent === null ? '' : newline);
    this.#budget.characters(text.length);
    this.#budget.leave();
    return brackets.charAt(0) + text + brackets.charAt(1);
  }

  #key(key: Value): string {
    const text = textOf(key) ?? scalar(key);
    if (text === undefined)
      throw new TemplateFault(`keys must be str, int, float, bool or None, not ${typeName(key)}`);
    return this.#text(text) ?? '';
  }

  #text(text: string | undefined): string | undefined {
    if (text === undefined) return undefined;
    this.#budget.characters(text.length);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: the ones that JSON escapes
    const quoted = text.replace(/["\\\x00-\x1f]/g, escapedCharacter);
    return `"${this.#options.ensureAscii ? quoted.replace(/[\x7f-\uffff]/g, unicodeEscape) : quoted}"`;
  }
}

function scalar(value: Value): string | undefined {
  if (value === null) return 'null';
  if (typeof value === 'boolean' || typeof value === 'bigint') return String(value);
  if (typeof value !== 'number') return undefined;
  if (Number.isFinite(value)) return floatText(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? 'Infinity' : '-Infinity';
}

const short: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\f': '\\f',
  '\b': '\\b',
};

function unicodeEscape(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

const escapedCharacter = (character: string): string => short[character] ?? unicodeEscape(character);

function sorted(dict: Dict): readonly (readonly [Value, Value])[] {
  return [...dict.entries()].sort(([a], [b]) => {
    const [left, right] = [textOf(a), textOf(b)];
    if (left !== undefined && right !== undefined) return compareText(left, right);
    if ((typeof a === 'bigint' || typeof a === 'number') && (typeof b === 'bigint' || typeof b === 'number'))
      return a < b ? -1 : a > b ? 1 : 0;
    throw new TemplateFault(`'<' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`);
  });
}
