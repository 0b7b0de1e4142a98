// Operators on numbers, texts and lists.
import type { Budget } from '../budget.js';
import { TemplateFault, TemplateUnsupported } from '../errors.js';
import type { Arithmetic } from '../syntax/nodes.js';
import { formatPercent } from './format-percent.js';
import { escapeHtml } from './text.js';
import {
  integerOf,
  isList,
  itemsOf,
  Markup,
  numberOf,
  SentText,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
} from './values.js';

/** @throws TemplateFault where Python has no such operation; TemplateLimit */
export function arithmetic(operator: Arithmetic, left: Value, right: Value, budget: Budget): Value {
  if (left instanceof Undefined) left.fail();
  const text = left instanceof SentText ? left.text : textOf(left);
  if (operator === '%' && text !== undefined) {
    const formatted = formatPercent(text, left instanceof Markup ? escapedOperand(right) : right, budget);
    return left instanceof Markup ? new Markup(formatted) : formatted;
  }
  if (right instanceof Undefined) right.fail();
  const [a, b] = [numberOf(left), numberOf(right)];
  if (a !== undefined && b !== undefined) {
    if (typeof a === 'bigint' && typeof b === 'bigint') return integers(operator, a, b, budget);
    return floats(operator, Number(a), Number(b));
  }
  const result =
    operator === '+'
      ? sum(left, right, budget)
      : operator === '*'
        ? repeated(left, right, budget)
        : undefined;
  if (result !== undefined) return result;
  throw new TemplateFault(
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

function escapedOperand(value: Value): Value {
  if (value instanceof Tuple) return new Tuple(value.items.map(escapedOperand));
  return typeof value === 'string' ? escapeHtml(value) : value;
}

function sum(left: Value, right: Value, budget: Budget): Value | undefined {
  const [s, t] = [left, right].map((side) => (side instanceof SentText ? side.text : textOf(side)));
  if (s !== undefined && t !== undefined) {
    budget.characters(s.length + t.length);
    if (!(left instanceof Markup) && !(right instanceof Markup)) return s + t;
    return new Markup(
      (left instanceof Markup ? s : escapeHtml(s)) + (right instanceof Markup ? t : escapeHtml(t)),
    );
  }
  const [m, n] = [itemsOf(left), itemsOf(right)];
  if (m === undefined || n === undefined || isList(left) !== isList(right)) return undefined;
  budget.values(m.length + n.length);
  return isList(left) ? [...m, ...n] : new Tuple([...m, ...n]);
}

function repeated(left: Value, right: Value, budget: Budget): Value | undefined {
  const [times, many] = integerOf(left) === undefined ? [integerOf(right), left] : [integerOf(left), right];
  if (times === undefined) return undefined;
  const count = times < 0n ? 0 : Number(times);
  const text = many instanceof SentText ? many.text : textOf(many);
  if (text !== undefined) {
    budget.characters(text.length * count);
    const whole = text.repeat(count);
    return many instanceof Markup ? new Markup(whole) : whole;
  }
  const items = itemsOf(many);
  if (items === undefined) return undefined;
  budget.values(items.length * count);
  const whole = Array.from({ length: count }, () => items).flat();
  return isList(many) ? whole : new Tuple(whole);
}

function integers(operator: Arithmetic, a: bigint, b: bigint, budget: Budget): Value {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      budget.bits(bits(a) + bits(b));
      return a * b;
    case '/':
      return Number(a) / Number(nonZero(b));
    case '//':
      return floorDivide(a, nonZero(b));
    case '%':
      return a - floorDivide(a, nonZero(b)) * b;
    case '**':
      if (b < 0n) return floats('**', Number(a), Number(b));
      budget.bits(a === 0n || a === 1n || a === -1n ? 1 : bits(a) * Number(b));
      return a ** b;
  }
}

function bits(value: bigint): number {
  return value.toString(16).length * 4;
}

function nonZero<Number_ extends bigint | number>(divisor: Number_): Number_ {
  // biome-ignore lint/suspicious/noDoubleEquals: zero of either kind
  if (divisor == 0) throw new TemplateFault('division by zero');
  return divisor;
}

function floorDivide(a: bigint, b: bigint): bigint {
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function floats(operator: Arithmetic, a: number, b: number): number {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '*':
      return a * b;
    case '/':
      return a / nonZero(b);
    case '//':
      return (a - remainder(a, nonZero(b))) / b;
    case '%':
      return remainder(a, nonZero(b));
    case '**':
      if (a === 0 && b < 0) throw new TemplateFault('0.0 cannot be raised to a negative power');
      if (a < 0 && !Number.isInteger(b)) throw new TemplateUnsupported('a power that is a complex number');
      return a ** b;
  }
}

/** With the sign of the divisor. */
function remainder(a: number, b: number): number {
  const rest = a % b;
  if (rest === 0) return b < 0 ? -0 : 0;
  return rest < 0 !== b < 0 ? rest + b : rest;
}
