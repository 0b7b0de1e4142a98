// The Node that the command needs: what `engines` says.
import manifest from '../package.json' with { type: 'json' };

/** Major and minor version. */
const needed = manifest.engines.node.replace('>=', '').split('.').map(Number);

/**
 * @param version of Node, e.g. `20.18.1`
 * @returns the sentence for one that is too old; null for others
 */
export function olderNode(version: string): string | null {
  const found = version.split('.').map(Number);
  const ahead = (found[0] as number) - (needed[0] as number) || (found[1] as number) - (needed[1] as number);
  return ahead < 0 ? `cannot start: expected Node ${needed.join('.')} or later, found ${version}` : null;
}
