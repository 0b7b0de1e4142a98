// Options objects, checked: every key must be known and every value must pass the check of its key, so that a misspelt or
// impossible option is an error and never a silent default.
import { MoeqError, quote } from './errors.js';

/** What a value has to be, in words, and whether it is. */
export interface OptionCheck {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

/** The check of each option of `Options`. */
export type OptionChecks<Options> = Readonly<Record<keyof Options, OptionCheck>>;

/** A finite number within bounds; `above` is exclusive. */
function number(bounds: { min?: number; max?: number; above?: number } = {}): OptionCheck {
  const { min = -Infinity, max = Infinity, above = -Infinity } = bounds;
  return {
    expected: `a finite number${rangeInWords(bounds)}`,
    holds: (value) =>
      typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max && value > above,
  };
}

/** A safe integer within bounds. */
function integer({ min, max }: { min: number; max?: number }): OptionCheck {
  return {
    expected: `an integer${rangeInWords({ min, ...(max === undefined ? {} : { max }) })}`,
    holds: (value) =>
      Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= (max ?? Infinity),
  };
}

/** One of some texts. */
function oneOf(...values: readonly string[]): OptionCheck {
  const expected = [values.slice(0, -1).join(', '), values.at(-1)].filter(Boolean).join(' or ');
  return { expected, holds: (value) => values.some((each) => each === value) };
}

/** A list whose items all pass. */
function listOf(item: OptionCheck): OptionCheck {
  return {
    expected: `a list, each item ${item.expected}`,
    holds: (value) => Array.isArray(value) && value.every(item.holds),
  };
}

/** An object with these members, of whichever class. */
function objectWith(expected: string, ...members: readonly string[]): OptionCheck {
  return {
    expected,
    holds: (value) =>
      typeof value === 'object' && value !== null && members.every((member) => member in value),
  };
}

/** Checks to say what an option has to be. */
export const checks = {
  number,
  integer,
  oneOf,
  listOf,
  objectWith,
  text: {
    expected: 'text of at least one character',
    holds: (value) => typeof value === 'string' && value.length > 0,
  },
  flag: { expected: 'true or false', holds: (value) => typeof value === 'boolean' },
  callback: { expected: 'a function', holds: (value) => typeof value === 'function' },
  list: { expected: 'a list', holds: Array.isArray },
  signal: objectWith('an AbortSignal', 'aborted', 'throwIfAborted'),
  /** Its own reader checks it. */
  anything: { expected: 'any value', holds: () => true },
} as const satisfies Readonly<Record<string, OptionCheck | ((...bounds: never[]) => OptionCheck)>>;

/**
 * Holds `options` against the checks of its keys; a key whose value is undefined counts as absent.
 * @param operation for the message, e.g. `generate`
 * @param within an option that holds these options, e.g. `features`
 * @throws MoeqError `invalidOption` for the first key that is unknown or whose value does not pass: the known keys and the
 *   nearest, or what the value has to be and what it was
 */
export function checkOptions<Options extends object>(
  operation: string,
  options: Options,
  known: NoInfer<OptionChecks<Options>>,
  within?: string,
): void {
  if (typeof options !== 'object' || options === null) {
    const subject = within === undefined ? 'options' : `option ${within}`;
    throw optionError(operation, subject, 'an object', inWords(options));
  }
  const path = within === undefined ? '' : `${within}.`;
  const byName: Readonly<Record<string, OptionCheck>> = known;
  for (const [key, value] of Object.entries(options)) {
    const check = Object.hasOwn(byName, key) ? byName[key] : undefined;
    if (check === undefined) {
      const names = Object.keys(byName).sort();
      const close = nearest(key, names);
      throw optionError(
        operation,
        `option ${quote(path + key)}`,
        `one of the options ${names.join(', ')}`,
        `an unknown option${close === undefined ? '' : `, which is nearest to ${close}`}`,
      );
    }
    if (value !== undefined && !check.holds(value)) {
      throw optionError(operation, `option ${path}${key}`, check.expected, inWords(value));
    }
  }
}

/**
 * Of an option whose value does not fit: other options, the model, the machine.
 * @param subject e.g. `option stride`
 */
export function optionError(operation: string, subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ code: 'invalidOption', operation, subject, expected, found });
}

/** The name that is a misspelling away, at most half of its letters; undefined where none is. */
function nearest(word: string, names: readonly string[]): string | undefined {
  const ranked = names
    .map((name) => ({ name, edits: editDistance(word.toLowerCase(), name.toLowerCase()) }))
    .filter(({ name, edits }) => edits * 2 <= name.length)
    .sort((a, b) => a.edits - b.edits);
  return ranked[0]?.name;
}

/** Letters to insert, delete or replace (Levenshtein 1966), by rows of the table. */
function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, column) => column);
  for (const letter of from) {
    const above = row;
    row = [(above[0] ?? 0) + 1];
    for (let column = 1; column <= to.length; column++) {
      const replaced = (above[column - 1] ?? 0) + (letter === to[column - 1] ? 0 : 1);
      row.push(Math.min(replaced, (above[column] ?? 0) + 1, (row[column - 1] ?? 0) + 1));
    }
  }
  return row[to.length] ?? 0;
}

function rangeInWords({ min, max, above }: { min?: number; max?: number; above?: number }): string {
  if (above !== undefined) return ` above ${above}`;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  return min === undefined ? '' : ` of at least ${min}`;
}

function inWords(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  if (value === null) return 'null';
  return typeof value === 'function' ? 'a function' : quote(value);
}
