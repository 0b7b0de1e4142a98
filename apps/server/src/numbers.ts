// Numbers of a request within bounds, as schemas; what is wrong is said in the words of json-body.ts.
import * as v from 'valibot';

export function between(min: number, max: number) {
  return v.pipe(v.number(), v.finite('expected a finite number'), ...bounds(min, max));
}

export function wholeBetween(min: number, max: number) {
  return v.pipe(v.number(), v.safeInteger('expected an integer'), ...bounds(min, max));
}

/** Tokens of an answer: at least 1, or -1 for no limit, as llama.cpp and LM Studio take it. */
export function tokenCount() {
  return v.pipe(
    v.number(),
    v.safeInteger('expected an integer'),
    v.check((count) => count === -1 || count >= 1, 'expected at least 1'),
  );
}

function bounds(min: number, max: number) {
  return [
    v.minValue<number, number, string>(min, `expected at least ${min}`),
    v.maxValue<number, number, string>(max, `expected at most ${max}`),
  ] as const;
}
