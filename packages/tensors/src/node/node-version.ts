// The Node that the packages need. It is looked at as their Node entry points are loaded, all of which load this one: on an
// older Node they would fail in the middle of their work.
import { MoeqError } from '../errors.js';

/** Major and minor version, as `engines` says: the first with all that commander and Map.groupBy ask for. */
const needed = [22, 12] as const;

/**
 * @param version of Node, e.g. `20.18.1`
 * @throws MoeqError for one that is too old
 */
export function assertNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (major > needed[0] || (major === needed[0] && minor >= needed[1])) return;
  throw new MoeqError({
    operation: 'start',
    subject: 'moeq',
    expected: `Node ${needed.join('.')} or later`,
    found: version,
  });
}
