// Filters that make texts.
import type { Given } from '../arguments.js';
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { arithmetic } from '../python/arithmetic.js';
import { lengthOf, truth } from '../python/compare.js';
import { formatPercent } from '../python/format-percent.js';
import { isIterable, iterate, listOf } from '../python/iterate.js';
import { dumps } from '../python/json.js';
import { str } from '../python/print.js';
import { escapeHtml, spaceClass, splitLines, strip, textLength } from '../python/text.js';
import { callTextMethod, replaced } from '../python/text-methods.js';
import { asMap, Dict, Markup, Tuple, textOf, typeName, type Value } from '../python/values.js';
import { attributeGetter } from './attribute-getter.js';
import type { Filter, OpenFilter, Rendering } from './filter.js';

/** The text of a value; marked text stays marked. */
function soft(value: Value, { budget }: Rendering): string | Markup {
  return value instanceof Markup ? value : str(value, budget);
}

/** A filter that is a method of the text of a value. */
const method = (name: string, ...names: readonly string[]): Filter => [
  names,
  (value, given, rendering) => {
    const args = names.filter((each) => given.has(each)).map((each) => given.value(each));
    const text = soft(value, rendering);
    const result = callTextMethod(name, textOf(text) ?? '', args, new Map(), rendering.budget);
    return text instanceof Markup && typeof result === 'string' ? new Markup(result) : result;
  },
];

export const textFilters: Readonly<Record<string, Filter>> = {
  upper: method('upper'),
  lower: method('lower'),
  capitalize: method('capitalize'),
  trim: [
    ['chars'],
    (value, given, rendering) => {
      const text = soft(value, rendering);
      const stripped = strip(textOf(text) ?? '', given.optionalText('chars'));
      return text instanceof Markup ? new Markup(stripped) : stripped;
    },
  ],
  center: [
    ['width'],
    (value, given, { budget }) =>
      callTextMethod('center', str(value, budget), [given.value('width', 80n)], new Map(), budget),
  ],
  title: [[], (value, _, { budget }) => title(str(value, budget))],
  string: [[], (value, _, rendering) => soft(value, rendering)],
  safe: [[], (value, _, { budget }) => new Markup(str(value, budget))],
  escape: [[], escaped],
  e: [[], escaped],
  forceescape: [[], (value, _, { budget }) => new Markup(escapeHtml(str(value, budget)))],
  replace: [
    ['old', 'new', 'count'],
    (value, given, { budget }) => {
      const [old, fresh] = [str(given.value('old'), budget), str(given.value('new'), budget)];
      return replaced(str(value, budget), old, fresh, given.optionalInteger('count') ?? -1, budget);
    },
  ],
  join: [
    ['d', 'attribute'],
    (value, given, { budget }) => {
      const getter = attributeGetter(given.value('attribute', null), budget);
      const parts: string[] = [];
      for (const item of iterate(value, budget)) parts.push(str(getter(item), budget));
      const separator = str(given.value('d', ''), budget);
      budget.characters(parts.reduce((sum, part) => sum + part.length + separator.length, 0));
      return parts.join(separator);
    },
  ],
  indent: [['width', 'first', 'blank'], indent],
  truncate: [
    ['length', 'killwords', 'end', 'leeway'],
    (value, given) => {
      const size = lengthOf(value);
      if (size === undefined) throw new TemplateFault(`object of type '${typeName(value)}' has no len()`);
      const [length, end] = [given.integer('length', 255n), given.text('end', '...')];
      const leeway = given.optionalInteger('leeway') ?? 5;
      const kept = length - textLength(end);
      if (kept < 0 || leeway < 0)
        throw new TemplateFault('truncate: expected length >= that of end, and leeway >= 0');
      if (size <= length + leeway) return value;
      const text = textOf(value);
      if (text === undefined) throw new TemplateFault(`truncate: expected a text, not ${typeName(value)}`);
      const beginning = Array.from(text).slice(0, kept).join('');
      if (truth(given.value('killwords', false))) return beginning + end;
      const at = beginning.lastIndexOf(' ');
      return (at < 0 ? beginning : beginning.slice(0, at)) + end;
    },
  ],
  wordcount: [
    [],
    (value, _, { budget }) => BigInt(str(value, budget).match(/[\p{L}\p{N}\p{M}_]+/gu)?.length ?? 0),
  ],
  urlencode: [[], (value, _, rendering) => urlencode(value, rendering)],
  tojson: [['ensure_ascii', 'indent', 'separators', 'sort_keys'], toJson],
};

/** text|format(...) is text % arguments. */
export const format: OpenFilter = (value, args, keywords, { budget }) => {
  if (args.length > 0 && keywords.size > 0)
    throw new TemplateFault("can't handle positional and keyword arguments at the same time");
  return formatPercent(str(value, budget), keywords.size > 0 ? new Dict(keywords) : new Tuple(args), budget);
};

function escaped(value: Value, _: unknown, { budget }: Rendering): Markup {
  return value instanceof Markup ? value : new Markup(escapeHtml(str(value, budget)));
}

const wordStart = new RegExp(`([-${spaceClass}({\\[<]+)`);

function title(text: string): string {
  return text
    .split(wordStart)
    .map((part) => {
      const [first = ''] = part;
      return first.toUpperCase() + part.slice(first.length).toLowerCase();
    })
    .join('');
}

function indent(value: Value, given: Given, { budget }: Rendering): Value {
  const width = given.value('width', 4n);
  const indention = textOf(width) ?? spaces(given, 'width', budget, 4n);
  const text = str(value, budget);
  // Python adds a newline to the value, which fails for what is no text.
  arithmetic('+', value, '\n', budget);
  const lines = splitLines(`${text}\n`);
  budget.characters(text.length + lines.length * indention.length);
  const [first = '', ...others] = lines;
  const blank = truth(given.value('blank', false));
  const rest = others.map((line) => (blank || line !== '' ? indention : '') + line);
  const result = [first, ...rest].join('\n');
  const whole = truth(given.value('first', false)) ? indention + result : result;
  return value instanceof Markup ? new Markup(whole) : whole;
}

/** So many spaces as an argument says. */
function spaces(given: Given, name: string, budget: Budget, fallback?: bigint): string {
  const width = Math.max(given.integer(name, fallback), 0);
  budget.characters(width);
  return ' '.repeat(width);
}

/** Python's quote, which keeps a few more characters than encodeURIComponent and fewer too. */
function quoted(text: string, keepSlash: boolean): string {
  const encoded = encodeURIComponent(text).replace(
    /[!'()*]/g,
    (mark) => `%${mark.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return keepSlash ? encoded.replaceAll('%2F', '/') : encoded.replaceAll('%20', '+');
}

function urlencode(given: Value, { budget }: Rendering): string {
  const value = asMap(given);
  if (textOf(value) !== undefined || !isIterable(value)) return quoted(str(value, budget), true);
  const pairs =
    value instanceof Dict ? value.entries() : listOf(value, budget).map((pair) => pairOf(pair, budget));
  return pairs.map((pair) => pair.map((part) => quoted(str(part, budget), false)).join('=')).join('&');
}

function pairOf(pair: Value, budget: Budget): readonly Value[] {
  const parts = listOf(pair, budget);
  if (parts.length !== 2) throw new TemplateFault(`cannot unpack ${parts.length} values into 2`);
  return parts;
}

function toJson(value: Value, given: Given, { budget }: Rendering): string {
  const indention = given.value('indent', null);
  const level = indention === null ? null : (textOf(indention) ?? spaces(given, 'indent', budget));
  const separators = given.value('separators', null);
  const [item = level === null ? ', ' : ',', key = ': '] =
    separators === null ? [] : listOf(separators, budget).map((each) => textOf(each) ?? failSeparator(each));
  const options = {
    ensureAscii: truth(given.value('ensure_ascii', false)),
    indent: level,
    itemSeparator: item,
    keySeparator: key,
    sortKeys: truth(given.value('sort_keys', false)),
  };
  return dumps(value, options, budget);
}

function failSeparator(value: Value): never {
  throw new TemplateFault(`tojson: separators must be str, not ${typeName(value)}`);
}
