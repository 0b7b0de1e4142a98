// A node of the trie of prefixes: a page of tokens, with the page of each cache group that holds their keys and values,
// or the slot of the state at their end.
import { deadPages } from './cache-groups.js';
import type { CachePool } from './cache-pool.js';
import { givenBack } from './cache-table.js';

export interface PrefixNode {
  readonly id: number;
  /** One of each group; `givenBack` where a window's page or a state was needed elsewhere, or there was none. */
  readonly pages: number[];
  /** Its tokens, as text: the key in `parent.children`. */
  readonly key: string;
  readonly parent: PrefixNode | null;
  /** Pages from the root to here. */
  readonly depth: number;
  readonly children: Map<string, PrefixNode>;
  /** Sequences whose deepest node it is. */
  sequences: number;
}

export function prefixRoot(): PrefixNode {
  return { id: 0, pages: [], key: '', parent: null, depth: 0, children: new Map(), sequences: 0 };
}

/**
 * How many nodes of a branch a sequence can take over: as far as every group still has what the token behind them sees.
 * @param first pages that the sequence has before the branch
 * @param held of these, in each group, those that it holds
 */
export function adoptable(
  { groups, pageSize }: CachePool,
  branch: readonly PrefixNode[],
  first: number,
  held: readonly number[],
): number {
  /** Consecutive pages before the current depth, of each group. */
  const runs = [...held];
  let most = 0;
  for (const [index, { pages }] of branch.entries()) {
    const depth = first + index + 1;
    for (const [group, page] of pages.entries())
      runs[group] = page === givenBack ? 0 : (runs[group] as number) + 1;
    const isWhole = groups.every((kind, group) => {
      if (kind.kind === 'state') return pages[group] !== givenBack;
      return (runs[group] as number) >= depth - deadPages(depth * pageSize, kind.window, pageSize);
    });
    if (isWhole) most = index + 1;
  }
  return most;
}
