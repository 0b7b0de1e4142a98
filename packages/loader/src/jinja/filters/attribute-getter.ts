// `attribute='a.b.0'` of filters: a path of names and numbers.
import type { Budget } from '../budget.js';
import { itemOf } from '../python/attributes.js';
import { textOf, Undefined, type Value } from '../python/values.js';

export type Getter = (item: Value) => Value;

/** @param fallback in place of an undefined part; null: none */
export function attributeGetter(attribute: Value, budget: Budget, fallback: Value = null): Getter {
  const parts = pathOf(attribute);
  return (item) => {
    let value = item;
    for (const part of parts) {
      value = itemOf(value, part, budget);
      if (fallback !== null && value instanceof Undefined) value = fallback;
    }
    return value;
  };
}

/** Of several attributes between commas, as sort takes them. */
export function attributeGetters(attribute: Value, budget: Budget): Getter[] {
  const text = textOf(attribute);
  const several: readonly Value[] = text === undefined ? [attribute] : text.split(',');
  return several.map((each) => attributeGetter(each, budget));
}

function pathOf(attribute: Value): readonly Value[] {
  if (attribute === null) return [];
  const text = textOf(attribute);
  if (text === undefined) return [attribute];
  return text.split('.').map((part) => (/^\d+$/.test(part) ? BigInt(part) : part));
}

/** Texts in lower case, unless their case counts. */
export function ignoringCase(value: Value, caseSensitive: boolean): Value {
  const text = caseSensitive ? undefined : textOf(value);
  return text === undefined ? value : text.toLowerCase();
}
