// Truth, equality, order and membership.
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { iterate } from './iterate.js';
import { compareText, textLength } from './text.js';
import {
  asMap,
  Dict,
  Iter,
  isInstance,
  isList,
  itemsOf,
  numberOf,
  PythonRange,
  SentText,
  Tuple,
  textOf,
  typeName,
  Undefined,
  type Value,
  View,
} from './values.js';

/** Python's bool(). */
export function truth(given: Value): boolean {
  const value = asMap(given);
  if (typeof value === 'number') return value !== 0;
  const text = textOf(value);
  if (text !== undefined) return text !== '';
  if (value === null || typeof value === 'boolean' || typeof value === 'bigint') return Boolean(value);
  return lengthOf(value) !== 0;
}

/** len(); undefined for what has none. */
export function lengthOf(given: Value): number | undefined {
  const value = asMap(given);
  const text = textOf(value);
  if (text !== undefined) return textLength(text);
  const items = itemsOf(value);
  if (items !== undefined) return items.length;
  if (value instanceof Dict) return value.size;
  if (value instanceof View) return value.dict.size;
  if (value instanceof PythonRange) return value.length;
  if (value instanceof Undefined) return 0;
  const length = value !== null && isInstance(value) ? value.attribute('length') : undefined;
  return typeof length === 'bigint' ? Number(length) : undefined;
}

/** Python's `==`. @throws TemplateLimit */
export function equal(left: Value, right: Value, budget: Budget): boolean {
  const [a, b] = sameKind(left, right);
  if (a === b) return typeof a !== 'number' || !Number.isNaN(a);
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined) return !(x < y) && !(x > y) && !Number.isNaN(x) && !Number.isNaN(y);
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) {
    budget.characters(Math.min(s.length, t.length));
    return s === t;
  }
  if (isList(a) && isList(b)) return allEqual(a, b, budget);
  if (a instanceof Tuple && b instanceof Tuple) return allEqual(a.items, b.items, budget);
  if (a instanceof Dict && b instanceof Dict) {
    if (a.size !== b.size) return false;
    budget.values(a.size);
    return a.entries().every(([key, value]) => {
      const other = b.get(key);
      return other !== undefined && within(budget, () => equal(value, other, budget));
    });
  }
  if (a instanceof Undefined && b instanceof Undefined) return true;
  if (a instanceof PythonRange && b instanceof PythonRange) {
    if (a.length !== b.length) return false;
    return a.length === 0 || (a.start === b.start && (a.length === 1 || a.step === b.step));
  }
  return false;
}

/** A text that was sent is compared with a text as one, with anything else as a map. */
function sameKind(left: Value, right: Value): readonly [Value, Value] {
  if (left instanceof SentText && right instanceof SentText) return [left.dict, right.dict];
  if (left instanceof SentText) return [textOf(right) === undefined ? left.dict : left.text, right];
  if (right instanceof SentText) return [left, textOf(left) === undefined ? right.dict : right.text];
  return [left, right];
}

function allEqual(a: readonly Value[], b: readonly Value[], budget: Budget): boolean {
  if (a.length !== b.length) return false;
  budget.values(a.length);
  return a.every((item, index) => within(budget, () => equal(item, b[index] ?? null, budget)));
}

function within<Result>(budget: Budget, action: () => Result): Result {
  budget.enter();
  const result = action();
  budget.leave();
  return result;
}

/** Below zero where `a` is before `b`; NaN where neither is. @throws TemplateFault where Python has no order for them */
export function order(a: Value, b: Value, budget: Budget, operator = '<'): number {
  const [x, y] = [numberOf(a), numberOf(b)];
  if (x !== undefined && y !== undefined)
    return x < y ? -1 : x > y ? 1 : equal(x, y, budget) ? 0 : Number.NaN;
  const [s, t] = [textOf(a), textOf(b)];
  if (s !== undefined && t !== undefined) {
    budget.characters(s.length + t.length);
    return compareText(s, t);
  }
  if (a instanceof Undefined) a.fail();
  if (b instanceof Undefined) b.fail();
  const [m, n] = [itemsOf(a), itemsOf(b)];
  if (m !== undefined && n !== undefined && isList(a) === isList(b)) {
    budget.values(m.length);
    for (const [index, item] of m.entries()) {
      const other = n[index];
      if (other === undefined) return 1;
      if (!equal(item, other, budget)) return within(budget, () => order(item, other, budget, operator));
    }
    return m.length - n.length;
  }
  throw new TemplateFault(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

/** Python's `in`. @throws TemplateFault where it is an error there; TemplateLimit */
export function contains(container: Value, item: Value, budget: Budget): boolean {
  const whole = asMap(container);
  const text = textOf(whole);
  if (text !== undefined) {
    const part = item instanceof SentText ? item.text : textOf(item);
    if (part === undefined && item instanceof Undefined) item.fail();
    if (part === undefined)
      throw new TemplateFault(`'in <string>' requires string as left operand, not ${typeName(item)}`);
    budget.characters(text.length);
    return text.includes(part);
  }
  if (whole instanceof Dict) return whole.has(item);
  if (whole instanceof PythonRange && typeof item === 'bigint' && whole.length > 0) {
    const steps = (item - whole.start) / whole.step;
    return steps >= 0n && steps < BigInt(whole.length) && whole.at(Number(steps)) === item;
  }
  if (
    whole instanceof Iter ||
    itemsOf(whole) !== undefined ||
    whole instanceof View ||
    whole instanceof PythonRange
  ) {
    for (const each of iterate(whole, budget)) if (equal(each, item, budget)) return true;
    return false;
  }
  if (whole instanceof Undefined) return false;
  throw new TemplateFault(`argument of type '${typeName(whole)}' is not iterable`);
}
