// Methods of str.
import { Given } from '../arguments.js';
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { listOf } from './iterate.js';
import { caseFold, isCased, swapCase, titleCase, titleWords } from './letters.js';
import { characters, codePointIndex, spaceClass, splitLines, strip, textLength } from './text.js';
import { isList, type Keywords, SentText, Tuple, textOf, typeName, type Value } from './values.js';

/** Names of the arguments, and what the method does. */
type Method = readonly [
  names: readonly string[],
  call: (text: string, given: Given, budget: Budget) => Value,
];

const side = (kind: 'both' | 'left' | 'right'): Method => [
  ['chars'],
  (text, given) => strip(text, given.optionalText('chars'), kind),
];

const every = (pattern: RegExp): Method => [[], (text) => text !== '' && pattern.test(text)];

const padded = (place: (missing: number, width: number) => number): Method => [
  ['width', 'fillchar'],
  (text, given, budget) => {
    const width = given.integer('width');
    const fill = given.text('fillchar', ' ');
    if (textLength(fill) !== 1)
      throw new TemplateFault('The fill character must be exactly one character long');
    budget.characters(Math.max(width, 0));
    const missing = Math.max(width - textLength(text), 0);
    const before = missing === 0 ? 0 : place(missing, width);
    return fill.repeat(before) + text + fill.repeat(missing - before);
  },
];

const methods: Readonly<Record<string, Method>> = {
  upper: [[], (text) => text.toUpperCase()],
  lower: [[], (text) => text.toLowerCase()],
  casefold: [[], caseFold],
  title: [[], titleWords],
  capitalize: [[], (text) => titleCase(text)],
  swapcase: [[], swapCase],
  strip: side('both'),
  lstrip: side('left'),
  rstrip: side('right'),
  startswith: [['prefix', 'start', 'end'], (text, given) => affix(text, given, 'prefix', 'startsWith')],
  endswith: [['suffix', 'start', 'end'], (text, given) => affix(text, given, 'suffix', 'endsWith')],
  removeprefix: [['prefix'], (text, given) => cut(text, given.text('prefix'), true)],
  removesuffix: [['suffix'], (text, given) => cut(text, given.text('suffix'), false)],
  split: [['sep', 'maxsplit'], (text, given) => split(text, given, false)],
  rsplit: [['sep', 'maxsplit'], (text, given) => split(text, given, true)],
  splitlines: [['keepends'], (text, given) => splitLines(text, given.value('keepends', false) === true)],
  partition: [
    ['sep'],
    (text, given) => partition(text, given.text('sep'), text.indexOf(given.text('sep')), true),
  ],
  rpartition: [
    ['sep'],
    (text, given) => partition(text, given.text('sep'), text.lastIndexOf(given.text('sep')), false),
  ],
  replace: [
    ['old', 'new', 'count'],
    (text, given, budget) =>
      replaced(text, given.text('old'), given.text('new'), given.integer('count', -1n), budget),
  ],
  join: [['iterable'], joined],
  find: [['sub', 'start', 'end'], (text, given) => BigInt(found(text, given, 'indexOf'))],
  rfind: [['sub', 'start', 'end'], (text, given) => BigInt(found(text, given, 'lastIndexOf'))],
  index: [['sub', 'start', 'end'], (text, given) => BigInt(mustFind(found(text, given, 'indexOf')))],
  rindex: [['sub', 'start', 'end'], (text, given) => BigInt(mustFind(found(text, given, 'lastIndexOf')))],
  count: [['sub', 'start', 'end'], counted],
  center: padded((missing, width) => Math.floor(missing / 2) + (missing & width & 1)),
  ljust: padded(() => 0),
  rjust: padded((missing) => missing),
  zfill: [['width'], zeroFilled],
  expandtabs: [['tabsize'], expandTabs],
  isdigit: every(/^[\p{Nd}\u00b2\u00b3\u00b9\u2070\u2074-\u2079\u2080-\u2089\u2460-\u2468]+$/u),
  isdecimal: every(/^\p{Nd}+$/u),
  isnumeric: every(/^\p{N}+$/u),
  isalpha: every(/^\p{L}+$/u),
  isalnum: every(/^[\p{L}\p{N}]+$/u),
  isspace: every(new RegExp(`^[${spaceClass}]+$`)),
  isprintable: [[], (text) => !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text)],
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII
  isascii: [[], (text) => /^[\x00-\x7f]*$/.test(text)],
  islower: [[], (text) => /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text)],
  isupper: [[], (text) => /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text)],
  istitle: [[], (text) => isCased(text) && text === titleWords(text)],
};

/** Methods that Python has besides; `format` is made where attributes are known. */
export const otherTextMethods: readonly string[] = [
  'encode',
  'isidentifier',
  'maketrans',
  'translate',
  'format_map',
];

export function isTextMethod(name: string): boolean {
  return Object.hasOwn(methods, name);
}

/** @throws TemplateFault for arguments that it does not take; TemplateLimit */
export function callTextMethod(
  name: string,
  text: string,
  args: readonly Value[],
  keywords: Keywords,
  budget: Budget,
): Value {
  const [names, call] = methods[name] ?? [[], () => null];
  budget.characters(text.length);
  const result = call(text, new Given(`${name}()`, names, args, keywords), budget);
  if (isList(result)) budget.values(result.length);
  if (typeof result === 'string') budget.characters(result.length);
  return result;
}

/** The part between the places that `start` and `end` name. */
function part(text: string, given: Given): readonly [text: string, start: number] {
  if (!given.has('start')) return [text, 0];
  const list = characters(text);
  const place = (name: string, fallback: number) => {
    const index = given.optionalInteger(name) ?? fallback;
    return index < 0 ? Math.max(index + list.length, 0) : index;
  };
  const start = place('start', 0);
  return [list.slice(start, place('end', list.length)).join(''), start > list.length ? Infinity : start];
}

function affix(whole: string, given: Given, name: string, method: 'startsWith' | 'endsWith'): boolean {
  const value = given.value(name);
  const [text, start] = part(whole, given);
  if (value instanceof Tuple) {
    return value.items.some((item) => {
      const each = textOf(item);
      if (each === undefined) throw new TemplateFault(`${name} must be str, not ${typeName(item)}`);
      return start !== Infinity && text[method](each);
    });
  }
  return text[method](given.text(name)) && start !== Infinity;
}

function cut(text: string, affix_: string, isPrefix: boolean): string {
  if (affix_ === '') return text;
  if (isPrefix) return text.startsWith(affix_) ? text.slice(affix_.length) : text;
  return text.endsWith(affix_) ? text.slice(0, -affix_.length) : text;
}

function split(text: string, given: Given, fromRight: boolean): readonly string[] {
  const most = given.integer('maxsplit', -1n);
  const limit = most < 0 ? Infinity : most;
  const separator = given.optionalText('sep');
  if (separator === '') throw new TemplateFault('empty separator');
  if (separator === null) return fromRight ? splitSpaceRight(text, limit) : splitSpace(text, limit);
  const parts = text.split(separator);
  if (parts.length <= limit + 1) return parts;
  if (!fromRight) return [...parts.slice(0, limit), parts.slice(limit).join(separator)];
  const kept = parts.length - limit;
  return [parts.slice(0, kept).join(separator), ...parts.slice(kept)];
}

const spaces = new RegExp(`[${spaceClass}]+`);

function splitSpace(text: string, limit: number): string[] {
  const parts: string[] = [];
  let rest = strip(text, null, 'left');
  while (rest !== '' && parts.length < limit) {
    const [gap] = spaces.exec(rest) ?? [];
    const end = gap === undefined ? rest.length : rest.indexOf(gap);
    parts.push(rest.slice(0, end));
    rest = rest.slice(end + (gap?.length ?? 0));
  }
  return rest === '' ? parts : [...parts, rest];
}

function splitSpaceRight(text: string, limit: number): string[] {
  const parts: string[] = [];
  let rest = strip(text, null, 'right');
  while (rest !== '' && parts.length < limit) {
    const [last = ''] = new RegExp(`[^${spaceClass}]+$`).exec(rest) ?? [];
    parts.unshift(last);
    rest = strip(rest.slice(0, rest.length - last.length), null, 'right');
  }
  return rest === '' ? parts : [rest, ...parts];
}

function partition(text: string, separator: string, at: number, first: boolean): Tuple {
  if (separator === '') throw new TemplateFault('empty separator');
  if (at < 0) return new Tuple(first ? [text, '', ''] : ['', '', text]);
  return new Tuple([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

/** str.replace; a count below zero is none. */
export function replaced(text: string, old: string, fresh: string, count: number, budget: Budget): string {
  if (count === 0) return text;
  const parts = old === '' ? ['', ...characters(text), ''] : text.split(old);
  const limit = count < 0 ? parts.length - 1 : Math.min(count, parts.length - 1);
  budget.values(parts.length);
  budget.characters(text.length + limit * fresh.length);
  return (
    parts.slice(0, limit + 1).join(fresh) +
    (limit < parts.length - 1 ? old + parts.slice(limit + 1).join(old) : '')
  );
}

function joined(separator: string, given: Given, budget: Budget): string {
  const items = listOf(given.value('iterable'), budget);
  const texts = items.map((item, index) => {
    const text = item instanceof SentText ? item.text : textOf(item);
    if (text === undefined)
      throw new TemplateFault(`sequence item ${index}: expected str instance, ${typeName(item)} found`);
    return text;
  });
  budget.characters(texts.reduce((sum, text) => sum + text.length + separator.length, 0));
  return texts.join(separator);
}

function found(whole: string, given: Given, method: 'indexOf' | 'lastIndexOf'): number {
  const [text, start] = part(whole, given);
  const index = text[method](given.text('sub'));
  return index < 0 || start === Infinity ? -1 : start + codePointIndex(text, index);
}

function mustFind(index: number): number {
  if (index < 0) throw new TemplateFault('substring not found');
  return index;
}

function counted(whole: string, given: Given): bigint {
  const sub = given.text('sub');
  const [text, start] = part(whole, given);
  if (start === Infinity) return 0n;
  return BigInt(sub === '' ? textLength(text) + 1 : text.split(sub).length - 1);
}

function zeroFilled(text: string, given: Given, budget: Budget): string {
  const width = given.integer('width');
  budget.characters(Math.max(width, 0));
  const [sign = ''] = /^[+-]/.exec(text) ?? [];
  return sign + '0'.repeat(Math.max(width - textLength(text), 0)) + text.slice(sign.length);
}

function expandTabs(text: string, given: Given, budget: Budget): string {
  const size = given.integer('tabsize', 8n);
  budget.characters(text.length * Math.max(size, 1));
  let column = 0;
  return characters(text)
    .map((character) => {
      if (character === '\n' || character === '\r') column = -1;
      const width = character === '\t' ? (size > 0 ? size - (column % size) : 0) : 1;
      column += width;
      return character === '\t' ? ' '.repeat(width) : character;
    })
    .join('');
}
