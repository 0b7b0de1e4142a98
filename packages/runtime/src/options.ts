// Validation of option objects: every key must be known and every value must pass the check of its key, so that a
// misspelt or impossible option is an error and never a silent default.
import { MoeqError, quote } from '@moeq/tensors';

/** What a value has to be, in words, and whether it is. */
export interface Check {
  readonly expected: string;
  readonly holds: (value: unknown) => boolean;
}

/** A finite number within bounds; `above` is exclusive. */
export function number(bounds: { min?: number; max?: number; above?: number } = {}): Check {
  const { min = -Infinity, max = Infinity, above = -Infinity } = bounds;
  return {
    expected: `a finite number${rangeInWords(bounds)}`,
    holds: (value) =>
      typeof value === 'number' && Number.isFinite(value) && value >= min && value <= max && value > above,
  };
}

/** A safe integer within bounds. */
export function integer({ min, max }: { min: number; max?: number }): Check {
  return {
    expected: `an integer${rangeInWords({ min, ...(max === undefined ? {} : { max }) })}`,
    holds: (value) =>
      Number.isSafeInteger(value) && Number(value) >= min && Number(value) <= (max ?? Infinity),
  };
}

/** A list whose items all pass. */
export function listOf(item: Check): Check {
  return {
    expected: `a list, each item ${item.expected}`,
    holds: (value) => Array.isArray(value) && value.every(item.holds),
  };
}

export const text: Check = {
  expected: 'text of at least one character',
  holds: (value) => typeof value === 'string' && value.length > 0,
};

export const flag: Check = { expected: 'true or false', holds: (value) => typeof value === 'boolean' };

export const callback: Check = { expected: 'a function', holds: (value) => typeof value === 'function' };

export const abortSignal: Check = {
  expected: 'an AbortSignal',
  holds: (value) =>
    typeof value === 'object' && value !== null && 'aborted' in value && 'throwIfAborted' in value,
};

/**
 * Holds `options` against the checks of its keys; a key whose value is undefined counts as absent.
 * @param operation for the message, e.g. `generate`
 * @throws MoeqError naming the option, what it has to be and what it was
 */
export function validateOptions(
  operation: string,
  options: object,
  checks: Readonly<Record<string, Check>>,
): void {
  for (const [key, value] of Object.entries(options)) {
    const check = Object.hasOwn(checks, key) ? checks[key] : undefined;
    if (check === undefined) {
      throw new MoeqError({
        operation,
        subject: `option ${quote(key)}`,
        expected: `one of the options ${Object.keys(checks).sort().join(', ')}`,
        found: 'an unknown option',
      });
    }
    if (value !== undefined && !check.holds(value)) {
      throw new MoeqError({
        code: 'invalidOption',
        operation,
        subject: `option ${key}`,
        expected: check.expected,
        found: inWords(value),
      });
    }
  }
}

function rangeInWords({ min, max, above }: { min?: number; max?: number; above?: number }): string {
  if (above !== undefined) return ` above ${above}`;
  if (min !== undefined && max !== undefined) return ` from ${min} to ${max}`;
  return min === undefined ? '' : ` of at least ${min}`;
}

function inWords(value: unknown): string {
  if (typeof value === 'number' || typeof value === 'bigint') return String(value);
  return typeof value === 'function' ? 'a function' : quote(value);
}
