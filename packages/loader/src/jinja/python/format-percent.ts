// Python's `text % values`.
import type { Budget } from '../budget.js';
import { TemplateFault, TemplateUnsupported } from '../errors.js';
import { fixed, floatText, general, scientific } from './numbers.js';
import { repr, str } from './print.js';
import { textLength } from './text.js';
import { asMap, Dict, numberOf, Tuple, textOf, typeName, type Value } from './values.js';

const field = /%(?:\(([^)]*)\))?([-#0 +]*)(\*|\d*)(?:\.(\*|\d*))?[hlL]?(.)/gsu;

/** @throws TemplateFault where values are missing, too many or of the wrong kind; TemplateLimit */
export function formatPercent(text: string, values: Value, budget: Budget): string {
  const given = values instanceof Tuple ? [...values.items] : [values];
  const dict = asMap(values);
  let used = 0;
  const next = (): Value => {
    const value = given[used];
    used += 1;
    if (value === undefined) throw new TemplateFault('not enough arguments for format string');
    return value;
  };
  let isNamed = false;
  const star = (size: string | undefined): number | null => {
    if (size === undefined) return null;
    return size === '*' ? Number(numberOf(next()) ?? Number.NaN) : Number(size || 0);
  };
  const result = text.replace(
    field,
    (_, name: string | undefined, flags: string, width: string, places, kind: string) => {
      if (kind === '%') return '%';
      isNamed ||= name !== undefined;
      if (name !== undefined && !(dict instanceof Dict)) throw new TemplateFault('format requires a mapping');
      const size = star(width) ?? 0;
      const precision = star(places as string | undefined);
      const value = name === undefined ? next() : dict instanceof Dict ? dict.get(name) : undefined;
      if (value === undefined) throw new TemplateFault(`KeyError: '${name}'`);
      budget.characters(size + (precision ?? 0));
      return padded(
        converted(value, kind, flags, precision, budget),
        flags,
        size,
        'diouxXeEfFgG'.includes(kind),
      );
    },
  );
  const isMapping = dict instanceof Dict || Array.isArray(values);
  if (!isNamed && used < given.length && !(isMapping && used === 0))
    throw new TemplateFault('not all arguments converted during string formatting');
  budget.characters(result.length);
  return result;
}

function converted(
  value: Value,
  kind: string,
  flags: string,
  precision: number | null,
  budget: Budget,
): string {
  const cut = (text: string) => (precision === null ? text : Array.from(text).slice(0, precision).join(''));
  if (kind === 's') return cut(str(value, budget));
  if (kind === 'r') return cut(repr(value, budget));
  if (kind === 'c' && textLength(textOf(value) ?? '') === 1) return textOf(value) ?? '';
  const number = numberOf(value);
  if (!'diuxXoeEfFgGc'.includes(kind)) throw new TemplateUnsupported(`the format %${kind}`);
  if (number === undefined)
    throw new TemplateFault(`%${kind} format: a real number is required, not ${typeName(value)}`);
  if (kind === 'c') return String.fromCodePoint(Number(number));
  const sign = flags.includes('+') ? '+' : flags.includes(' ') ? ' ' : '';
  const digits = 'diuxXo'.includes(kind)
    ? integerDigits(number, kind, flags, precision ?? 0)
    : floatDigits(Number(number), kind, precision ?? 6, flags.includes('#'));
  return digits.startsWith('-') ? digits : sign + digits;
}

function integerDigits(value: bigint | number, kind: string, flags: string, precision: number): string {
  if (typeof value === 'number' && !'diu'.includes(kind))
    throw new TemplateFault(`%${kind} format: an integer is required`);
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new TemplateFault('cannot convert float to integer');
  const whole = typeof value === 'number' ? BigInt(Math.trunc(value)) : value;
  const radix = kind === 'o' ? 8 : kind.toLowerCase() === 'x' ? 16 : 10;
  const prefix = flags.includes('#') && radix !== 10 ? `0${kind}` : '';
  const digits = (whole < 0n ? -whole : whole).toString(radix).padStart(precision, '0');
  return (whole < 0n ? '-' : '') + prefix + (kind === 'X' ? digits.toUpperCase() : digits);
}

/** Of a float by `e`, `f` or `g`; capital letters for capital digits. */
export function floatDigits(value: number, kind: string, precision: number, keepZeros: boolean): string {
  const lower = kind.toLowerCase();
  let text: string;
  if (!Number.isFinite(value)) text = floatText(value);
  else if (lower === 'f') text = fixed(value, precision);
  else text = lower === 'e' ? scientific(value, precision) : general(value, precision, keepZeros);
  return kind === lower ? text : text.toUpperCase();
}

function padded(text: string, flags: string, width: number, isNumber: boolean): string {
  const missing = width - textLength(text);
  if (missing <= 0) return text;
  if (flags.includes('-')) return text + ' '.repeat(missing);
  if (!flags.includes('0') || !isNumber || /[a-z]{3}/i.test(text)) return ' '.repeat(missing) + text;
  const [sign = ''] = /^[-+ ]?(?:0[xXo])?/.exec(text) ?? [];
  return sign + '0'.repeat(missing) + text.slice(sign.length);
}
