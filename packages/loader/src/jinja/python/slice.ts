// `object[start:stop:step]`.
import type { Budget } from '../budget.js';
import { TemplateFault } from '../errors.js';
import { characters } from './text.js';
import {
  integerOf,
  isList,
  itemsOf,
  Markup,
  PythonRange,
  SentText,
  Tuple,
  textOf,
  typeName,
  type Value,
} from './values.js';

export class Slice {
  readonly bounds: readonly (Value | null)[];

  constructor(bounds: readonly (Value | null)[]) {
    this.bounds = bounds;
  }
}

/** The part. @throws TemplateFault for what has none, bounds that are no integers, a step of zero */
export function sliced(object: Value, { bounds }: Slice, budget: Budget): Value {
  const text = object instanceof SentText ? undefined : textOf(object);
  const items =
    text === undefined ? (object instanceof PythonRange ? [] : itemsOf(object)) : characters(text);
  if (items === undefined) throw new TemplateFault(`'${typeName(object)}' object has no slices`);
  const places = bounds.map((bound) => (bound === null ? null : integerOf(bound)));
  const [start, stop, step] = places;
  if (start === undefined || stop === undefined || step === undefined)
    throw new TemplateFault('slice indices must be integers or None');
  if (step === 0n) throw new TemplateFault('slice step cannot be zero');
  const length = object instanceof PythonRange ? object.length : items.length;
  const indices = indicesOf(length, start, stop, Number(step ?? 1n));
  budget.values(indices.length);
  if (object instanceof PythonRange) {
    const by = object.step * (step ?? 1n);
    const [first = 0] = indices;
    const from = object.at(first);
    return indices.length === 0
      ? new PythonRange(0n, 0n, 1n)
      : new PythonRange(from, from + by * BigInt(indices.length), by);
  }
  const part = indices.map((index) => items[index] ?? null);
  if (text === undefined) return isList(object) ? part : new Tuple(part);
  const joined = part.join('');
  return object instanceof Markup ? new Markup(joined) : joined;
}

function indicesOf(length: number, start: bigint | null, stop: bigint | null, step: number): number[] {
  const [low, high] = step > 0 ? [0, length] : [-1, length - 1];
  const clamp = (bound: bigint | null, fallback: number) => {
    if (bound === null) return fallback;
    const place = Number(bound) + (bound < 0n ? length : 0);
    return Math.min(Math.max(place, low), high);
  };
  const from = clamp(start, step > 0 ? low : high);
  const to = clamp(stop, step > 0 ? high : low);
  const count = Math.max(Math.ceil((to - from) / step), 0);
  return Array.from({ length: count }, (_, index) => from + index * step);
}
