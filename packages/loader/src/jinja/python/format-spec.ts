// str.format, with the specifications of texts and numbers.
import type { Budget } from '../budget.js';
import { TemplateFault, TemplateUnsupported } from '../errors.js';
import { floatDigits } from './format-percent.js';
import { floatText } from './numbers.js';
import { repr, str } from './print.js';
import { textLength } from './text.js';
import { numberOf, SentText, textOf, typeName, type Value } from './values.js';

/** Where the fields of a format get their values. */
export interface FormatValues {
  readonly positional: readonly Value[];
  readonly keyword: (name: string) => Value | undefined;
  readonly attribute: (value: Value, name: string) => Value;
  readonly item: (value: Value, key: Value) => Value;
}

/**
 * @param finish of each field that the format holds, e.g. an escape; not of those within its specification
 * @throws TemplateFault where a field has no value or does not take its specification; TemplateLimit
 */
export function formatText(
  text: string,
  values: FormatValues,
  budget: Budget,
  finish: (text: string, value: Value) => string = (field) => field,
): string {
  let automatic = 0;
  const take = (name: string): Value => {
    const [, first = '', path = ''] = /^([^.[]*)(.*)$/s.exec(name) ?? [];
    const position = first === '' ? automatic++ : /^\d+$/.test(first) ? Number(first) : null;
    let value = position === null ? values.keyword(first) : values.positional[position];
    if (value === undefined) throw new TemplateFault(`no value for the field {${name}}`);
    for (const [, attribute, key] of path.matchAll(/\.([^.[]+)|\[([^\]]+)\]/g)) {
      if (attribute !== undefined) value = values.attribute(value, attribute);
      else value = values.item(value, /^\d+$/.test(key ?? '') ? BigInt(key ?? '') : (key ?? ''));
    }
    return value;
  };
  const field = ({ name, conversion, specification }: Field): string => {
    const given = take(name);
    const spec = fields(specification)
      .map((part) => (typeof part === 'string' ? part : field(part)))
      .join('');
    if (conversion === 'a') throw new TemplateUnsupported('the conversion !a');
    const conversions: Readonly<Record<string, typeof str>> = { r: repr, s: str };
    const value = conversions[conversion]?.(given, budget) ?? given;
    return finish(formatValue(value, spec, budget), value);
  };
  const result = fields(text)
    .map((part) => (typeof part === 'string' ? part : field(part)))
    .join('');
  budget.characters(result.length);
  return result;
}

interface Field {
  readonly name: string;
  readonly conversion: string;
  readonly specification: string;
}

/** Text and fields by turns. */
function fields(text: string): (string | Field)[] {
  const parts: (string | Field)[] = [];
  for (let at = 0; at < text.length; ) {
    const character = text.charAt(at);
    if ('{}'.includes(character) && text.charAt(at + 1) === character) {
      parts.push(character);
      at += 2;
    } else if (character === '{') {
      const end = closing(text, at);
      const [, name = '', conversion = '', specification = ''] =
        /^([^!:]*)(?:!([rsa]))?(?::(.*))?$/s.exec(text.slice(at + 1, end)) ?? [];
      parts.push({ name, conversion, specification });
      at = end + 1;
    } else {
      if (character === '}') throw new TemplateFault("Single '}' encountered in format string");
      const [plain = ''] = /^[^{}]+/.exec(text.slice(at)) ?? [];
      parts.push(plain);
      at += plain.length;
    }
  }
  return parts;
}

function closing(text: string, from: number): number {
  let depth = 0;
  for (let at = from; at < text.length; at += 1) {
    if (text[at] === '{') depth += 1;
    if (text[at] === '}') depth -= 1;
    if (depth === 0) return at;
  }
  throw new TemplateFault("Single '{' encountered in format string");
}

const specifications = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su;

/** format(value, specification) */
function formatValue(value: Value, specification: string, budget: Budget): string {
  if (specification === '') return str(value, budget);
  const match = specifications.exec(specification);
  if (match === null) throw new TemplateFault(`Invalid format specifier '${specification}'`);
  const [, fill, align, sign = '-', alternate, zero, width = '0', grouping = '', precision, kind] = match;
  budget.characters(Number(width) + Number(precision ?? 0));
  const text = value instanceof SentText ? value.text : textOf(value);
  if (text !== undefined) {
    if (kind !== undefined && kind !== 's')
      throw new TemplateFault(`Unknown format code '${kind}' for object of type 'str'`);
    const cut = precision === undefined ? text : Array.from(text).slice(0, Number(precision)).join('');
    return aligned(cut, '', fill ?? (zero === undefined ? ' ' : '0'), align ?? '<', Number(width));
  }
  const number = typeof value === 'boolean' && kind === undefined ? undefined : numberOf(value);
  if (number === undefined)
    throw new TemplateFault(`unsupported format string passed to ${typeName(value)}.__format__`);
  const unsigned = digits(
    number,
    kind,
    precision === undefined ? null : Number(precision),
    alternate !== undefined,
  );
  const isNegative = unsigned.startsWith('-');
  const prefix = isNegative ? '-' : sign === '-' ? '' : sign;
  const grouped = group(isNegative ? unsigned.slice(1) : unsigned, grouping);
  return aligned(
    grouped,
    prefix,
    fill ?? (zero === undefined ? ' ' : '0'),
    align ?? (zero === undefined ? '>' : '='),
    Number(width),
  );
}

function digits(
  value: bigint | number,
  kind: string | undefined,
  precision: number | null,
  alternate: boolean,
): string {
  const radix = { b: 2, o: 8, x: 16, X: 16 }[kind ?? ''];
  if (typeof value === 'bigint' && (radix !== undefined || kind === undefined || kind === 'd')) {
    const plain = (value < 0n ? -value : value).toString(radix ?? 10);
    const prefix = alternate && radix !== undefined ? `0${kind}` : '';
    return (value < 0n ? '-' : '') + prefix + (kind === 'X' ? plain.toUpperCase() : plain);
  }
  const float = Number(value);
  if (kind === '%') return `${floatDigits(float * 100, 'f', precision ?? 6, false)}%`;
  if (kind === undefined && precision === null) return floatText(float);
  if (kind === undefined || !'eEfFgG'.includes(kind))
    throw new TemplateUnsupported(`the format of a number with '${kind ?? 'a precision'}'`);
  return floatDigits(float, kind, precision ?? 6, alternate);
}

function group(text: string, separator: string): string {
  if (separator === '') return text;
  const [whole = '', ...rest] = text.split(/(?=[.e%])/);
  return [whole.replace(/\B(?=(?:\d{3})+$)/g, separator), ...rest].join('');
}

function aligned(text: string, prefix: string, fill: string, align: string, width: number): string {
  const missing = Math.max(width - textLength(prefix + text), 0);
  if (align === '=') return prefix + fill.repeat(missing) + text;
  const before = align === '<' ? 0 : align === '>' ? missing : Math.floor(missing / 2);
  return fill.repeat(before) + prefix + text + fill.repeat(missing - before);
}
