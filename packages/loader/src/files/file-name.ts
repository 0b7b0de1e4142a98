// Names of files inside a checkpoint. They come from an index of unknown origin, so they are checked before any
// file is opened: a name may go down into folders, never up or out.
import { MoeqError, quote } from '@moeq/tensors';

const escapes: readonly [reason: string, pattern: RegExp][] = [
  ['an empty name', /^$/],
  ['a NUL character', /\0/],
  ['a URL', /^[a-z][a-z0-9+.-]+:\/\//i],
  ['an absolute path', /^(?:[/\\]|[a-z]:)/i],
  ['a backslash', /\\/],
  ['a step out of or within the folder', /(?:^|\/)\.{1,2}(?:\/|$)/],
  ['an empty part', /\/\/|\/$/],
];

/**
 * @param name of a file, relative to its set, parts divided by `/`
 * @param set the set's name, for the message
 * @throws MoeqError for a name that could leave the set
 */
export function assertInside(name: string, set: string): void {
  const way = escapes.find(([, pattern]) => pattern.test(name));
  if (way !== undefined) {
    throw new MoeqError({
      operation: 'open a file',
      subject: set,
      expected: 'a relative name inside the folder',
      found: `${way[0]} in ${quote(name)}`,
    });
  }
}
