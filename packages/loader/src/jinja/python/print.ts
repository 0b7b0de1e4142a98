// str() and repr() of values.
import type { Budget } from '../budget.js';
import { TemplateUnsupported } from '../errors.js';
import { floatText } from './numbers.js';
import {
  Dict,
  Iter,
  isInstance,
  isList,
  Markup,
  Namespace,
  PythonRange,
  SentText,
  Tuple,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.js';

/** What a template writes of a value. @throws TemplateUnsupported for what Python prints with an address */
export function str(value: Value, budget: Budget): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup || value instanceof SentText) return value.text;
  if (value instanceof Undefined) return '';
  return repr(value, budget);
}

/** As in Python's code. @throws TemplateUnsupported for what it prints with an address; TemplateLimit */
export function repr(value: Value, budget: Budget): string {
  const text = unlimited(value, budget);
  budget.characters(text.length);
  return text;
}

function unlimited(value: Value, budget: Budget): string {
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (typeof value === 'bigint') return String(value);
  if (typeof value === 'number') return floatText(value);
  if (typeof value === 'string') return textRepr(value);
  if (isList(value)) return `[${all(value, budget)}]`;
  if (value instanceof Tuple) return `(${all(value.items, budget)}${value.items.length === 1 ? ',' : ''})`;
  if (value instanceof Dict) return dictRepr(value.entries(), budget);
  if (value instanceof SentText) return repr(value.dict, budget);
  if (value instanceof View) return `dict_${value.kind}([${all(value.items(), budget)}])`;
  if (value instanceof PythonRange) {
    const step = value.step === 1n ? '' : `, ${value.step}`;
    return `range(${value.start}, ${value.stop}${step})`;
  }
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Markup) return `Markup(${textRepr(value.text)})`;
  if (value instanceof Namespace) return `<Namespace ${dictRepr([...value.attributes], budget)}>`;
  const text = isInstance(value) ? value.text?.() : undefined;
  if (text !== undefined) return text;
  throw new TemplateUnsupported(`the text of a ${value instanceof Iter ? 'generator' : typeName(value)}`);
}

function all(items: readonly Value[], budget: Budget): string {
  budget.enter();
  budget.values(items.length);
  const text = items.map((item) => repr(item, budget)).join(', ');
  budget.leave();
  return text;
}

function dictRepr(entries: readonly (readonly [Value, Value])[], budget: Budget): string {
  budget.enter();
  budget.values(entries.length);
  const parts = entries.map(([key, value]) => `${repr(key, budget)}: ${repr(value, budget)}`);
  budget.leave();
  return `{${parts.join(', ')}}`;
}

/** Characters that str.isprintable refuses, and those that are escaped always. */
const escaped = /[\\\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/gu;
const names: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function textRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const inner = text.replace(escaped, (character) => {
    const known = names[character];
    if (known !== undefined) return known;
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    if (code <= 0xff) return `\\x${hex.padStart(2, '0')}`;
    return code <= 0xffff ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
  });
  return quote + inner.replaceAll(quote, `\\${quote}`) + quote;
}
