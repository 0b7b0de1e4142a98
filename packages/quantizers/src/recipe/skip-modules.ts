// The skip rule of transformers (utils/quantizers_utils.py, should_convert_module): a module stays as it is when an entry,
// read as a regular expression, matches the beginning of its name, or when the name ends with the entry.
import { MoeqError, quote } from '@moeq/tensors';

/** Longer than any module's name; keeps a pattern's cost small. */
const maxEntryLength = 200;

/** A repeated group that holds a repetition can take exponential time; no list of modules needs one. */
const repeatedGroup = /\)[*+{?]/;

/** The module that owns a parameter: its name without `.weight` or `.bias`. */
export function moduleOf(tensor: string): string {
  return tensor.replace(/\.(weight|bias)$/, '');
}

/**
 * A test of module names.
 * @throws MoeqError for an entry that is empty, no regular expression, or one of unbounded cost
 */
export function skipTest(entries: readonly string[]): (module: string) => boolean {
  const patterns = entries.map(compile);
  return (module) =>
    entries.some((entry) => module.endsWith(entry)) || patterns.some((pattern) => pattern.test(module));
}

function compile(entry: string): RegExp {
  const fail = (cause?: unknown) =>
    new MoeqError({
      operation: 'read the modules to skip',
      subject: 'recipe',
      expected: `names, or regular expressions of at most ${maxEntryLength} characters without repeated groups`,
      found: quote(entry),
      cause,
    });
  if (entry.length === 0 || entry.length > maxEntryLength || repeatedGroup.test(entry)) throw fail();
  try {
    return new RegExp(`^(?:${entry})`);
  } catch (cause) {
    throw fail(cause);
  }
}
