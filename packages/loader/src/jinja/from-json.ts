// Values of JavaScript that stand for JSON as Python's: what JSON.stringify writes of them is what Python reads.
import { JsonNumber } from '@moeq/runtime';
import type { Budget } from './budget.js';
import { Dict, type Value } from './python/values.js';

/** @throws TemplateLimit */
export function fromJson(value: unknown, budget: Budget): Value {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string') {
    budget.characters(value.length);
    return value;
  }
  if (typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (typeof value === 'number') return fromNumber(value);
  if (typeof value !== 'object') return null;
  if (value instanceof JsonNumber) return value.isFloat ? Number(value.source) : BigInt(value.source);
  budget.enter();
  const made = fromObject(value, budget);
  budget.leave();
  return made;
}

/** A number is an integer where it is written as one. */
function fromNumber(value: number): Value {
  return Number.isInteger(value) && Math.abs(value) < 1e21 ? BigInt(value) : value;
}

function fromObject(value: object, budget: Budget): Value {
  if (Array.isArray(value)) {
    budget.values(value.length);
    return value.map((each) => fromJson(each, budget));
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') return fromJson(value.toJSON(), budget);
  const entries: (readonly [unknown, unknown])[] = value instanceof Map ? [...value] : Object.entries(value);
  budget.values(entries.length);
  const present = entries.filter(([, each]) => each !== undefined && typeof each !== 'function');
  return new Dict(present.map(([key, each]) => [String(key), fromJson(each, budget)]));
}
