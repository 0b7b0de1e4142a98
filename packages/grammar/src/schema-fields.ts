// Fields of a schema, checked as they are read.
import { MoeqError, quote } from '@moeq/tensors';

export type Schema = Readonly<Record<string, unknown>>;

/** Items and characters that may be counted. */
const maxCount = 10_000;

/** A least and a most, Infinity where there is none. @throws MoeqError */
export function bounds(least: unknown, most: unknown, leastPath: string, mostPath: string): [number, number] {
  const [min, max] = [count(least ?? 0, leastPath), most === undefined ? Infinity : count(most, mostPath)];
  if (min > max) throw refuse(leastPath, `at most ${max}`, min);
  return [min, max];
}

function count(value: unknown, path: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= maxCount) return value;
  throw refuse(path, `an integer from 0 to ${maxCount}`, value);
}

/** @throws MoeqError for what is no list, or an empty one */
export function list(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value) && value.length > 0) return value;
  throw refuse(path, 'a list that is not empty', value);
}

/** The error of a part of a schema. */
export function refuse(subject: string, expected: string, found: unknown): MoeqError {
  return new MoeqError({ operation: 'compile the schema', subject, expected, found: quote(found) });
}
