// Pages that outlive their sequence, so that another one with the same prefix need not compute it again: a trie over pages
// of tokens, as in SGLang's RadixAttention (arXiv 2312.07104), but of whole pages only, which are never written again and so
// need no copy on write. The trie keeps each of its pages with one reference; sequences that use one own another. A sequence
// that uses a page uses all pages before it, as far as windows reach, so what none uses is the end of a branch, or lies
// before the windows of those that use it.
import { type CacheGroup, deadPages } from './cache-groups.js';
import type { CachePool } from './cache-pool.js';
import { givenBack } from './cache-table.js';
import type { PageAllocator } from './page-allocator.js';
import { adoptable, type PrefixNode, prefixRoot } from './prefix-node.js';
import type { PrefixHold, Sequence } from './sequence.js';

/** How far a sequence's pages are those of the trie. */
class Cursor implements PrefixHold {
  readonly #pageSize: number;
  #node: PrefixNode;

  constructor(root: PrefixNode, pageSize: number) {
    this.#node = root;
    this.#pageSize = pageSize;
    root.sequences += 1;
  }

  get node(): PrefixNode {
    return this.#node;
  }

  moveTo(node: PrefixNode): void {
    this.#node.sequences -= 1;
    node.sequences += 1;
    this.#node = node;
  }

  shrinkTo(length: number): void {
    let node = this.#node;
    while (node.parent !== null && node.depth * this.#pageSize > length) node = node.parent;
    this.moveTo(node);
  }
}

export class PrefixCache {
  readonly #pool: CachePool;
  readonly #root = prefixRoot();
  /** All nodes but the root, the one used longest ago first. */
  readonly #nodes = new Set<PrefixNode>();
  #ids = 0;
  /** Of the pool, when the trie was last empty. */
  #losses: number;

  /** Takes part in allocation from now on: gives pages back when an allocator is short of them. */
  constructor(pool: CachePool) {
    this.#pool = pool;
    this.#losses = pool.losses;
    for (const [group, allocator] of pool.allocators.entries())
      allocator.reclaimFrom((count) => this.#evict(group, count));
  }

  /** Pages of tokens in the trie. */
  get size(): number {
    return this.#nodes.size;
  }

  /**
   * Gives a sequence all pages of its next tokens that are here. At least one token stays to be fed, as logits come of it.
   * @returns tokens that need not be fed any more
   */
  adopt(sequence: Sequence): number {
    const found = this.#match(sequence);
    const end = found.at(-1);
    if (end === undefined) return 0;
    const pages = this.#pagesOf(found);
    for (const [group, own] of pages.entries())
      this.#pool.allocators[group]?.share(own.filter((page) => page !== givenBack));
    sequence.adopt(pages, found.length);
    this.#cursor(sequence).moveTo(end);
    this.#touch(end);
    return found.length * this.#pool.pageSize;
  }

  /** Pages of each group that `adopt` would take now and that are in use already: they take no room. */
  sharedBy(sequence: Sequence): number[] {
    const pages = this.#pagesOf(this.#match(sequence));
    return this.#pool.allocators.map((allocator, group) => {
      return pages[group]?.filter((page) => allocator.owners(page) > 1).length ?? 0;
    });
  }

  /** Takes in the pages that a sequence has filled. Where the same page is here already, the sequence's own is freed for it. */
  record(sequence: Sequence): void {
    const { pageSize, allocators } = this.#pool;
    const { cached } = sequence;
    const cursor = this.#cursor(sequence);
    let { node } = cursor;
    while ((node.depth + 1) * pageSize <= cached) {
      const key = this.#key(sequence, node.depth);
      if (key === null) break;
      const next = node.children.get(key) ?? this.#add(node, key);
      for (const [group, allocator] of allocators.entries()) shareWith(next, sequence, group, allocator);
      node = next;
    }
    if (node === cursor.node) return;
    cursor.moveTo(node);
    this.#touch(node);
  }

  /**
   * Names the page of tokens that a sequence would feed next; the same for two that would compute the same page. null where
   * it does not begin a page, or not fill it.
   */
  nextPage(sequence: Sequence): string | null {
    const { cached } = sequence;
    const { id, depth } = this.#cursor(sequence).node;
    if (depth * this.#pool.pageSize !== cached) return null;
    const key = this.#key(sequence, depth);
    return key === null ? null : `${id}:${key}`;
  }

  /** Frees all pages that no sequence uses. */
  clear(): void {
    for (const group of this.#pool.groups.keys()) this.#evict(group, Infinity);
  }

  /** Nodes that `adopt` would take over now. */
  #match(sequence: Sequence): PrefixNode[] {
    const { pageSize } = this.#pool;
    const { cached, tokens, tables } = sequence;
    let { node } = this.#cursor(sequence);
    const first = node.depth;
    if (first * pageSize !== cached) return [];
    const branch: PrefixNode[] = [];
    for (;;) {
      const next = node.children.get(this.#key(sequence, node.depth) ?? '');
      if (next === undefined || next.depth * pageSize >= tokens.length) break;
      branch.push(next);
      node = next;
    }
    const held = tables.map((table) => table.runBefore(first));
    return branch.slice(0, adoptable(this.#pool, branch, first, held));
  }

  /** What a sequence takes of a branch, in each group; `givenBack` before the window behind it. */
  #pagesOf(branch: readonly PrefixNode[]): number[][] {
    const { groups, pageSize } = this.#pool;
    const depth = branch.at(-1)?.depth ?? 0;
    return groups.map((kind, group) => {
      if (kind.kind === 'state') return branch.map((node) => stateOf(node, group, depth));
      const dead = deadPages(depth * pageSize, kind.window, pageSize) - (depth - branch.length);
      return branch.map(({ pages }, index) => (index < dead ? givenBack : (pages[group] as number)));
    });
  }

  #cursor(sequence: Sequence): Cursor {
    if (this.#losses !== this.#pool.losses) this.#forget();
    if (sequence.hold instanceof Cursor) return sequence.hold;
    const cursor = new Cursor(this.#root, this.#pool.pageSize);
    sequence.hold = cursor;
    return cursor;
  }

  /** What the pages held was lost. */
  #forget(): void {
    this.#losses = this.#pool.losses;
    this.#root.children.clear();
    for (const node of this.#nodes) this.#drop(node);
  }

  /** The tokens of a sequence's page by index, and how they turn; null where it is not full. */
  #key(sequence: Sequence, index: number): string | null {
    const { tokens } = sequence;
    const { pageSize } = this.#pool;
    const first = index * pageSize;
    if (first + pageSize > tokens.length) return null;
    const key = tokens.slice(first, first + pageSize).join();
    // Lengths only grow: where the last token turns as in a short sequence, all do.
    if (sequence.rotationKind(first + pageSize - 1) === 0) return key;
    const kinds = Array.from({ length: pageSize }, (_, i) => sequence.rotationKind(first + i));
    return `${key}@${kinds.join()}`;
  }

  #add(parent: PrefixNode, key: string): PrefixNode {
    this.#ids += 1;
    const pages = this.#pool.groups.map(() => givenBack);
    const depth = parent.depth + 1;
    const node = { id: this.#ids, pages, key, parent, depth, children: new Map(), sequences: 0 };
    parent.children.set(key, node);
    this.#nodes.add(node);
    return node;
  }

  /** Makes a branch the one used last; its end before its beginning, so that evicting goes from the end. */
  #touch(end: PrefixNode): void {
    for (let node: PrefixNode | null = end; node !== null && node !== this.#root; node = node.parent) {
      this.#nodes.delete(node);
      this.#nodes.add(node);
    }
  }

  /**
   * Frees pages of a group, those used longest ago first: whole nodes at the ends of branches, and before that pages that
   * lie before all windows, and states. Ends come before beginnings, so one pass finds each node after those behind it.
   */
  #evict(group: number, count: number): void {
    const allocator = this.#pool.allocators[group] as PageAllocator;
    const keepsAll = isWhole(this.#pool.groups[group]);
    const goal = allocator.freePages + count;
    for (const node of this.#nodes) {
      if (allocator.freePages >= goal) return;
      if (node.children.size === 0 && node.sequences === 0) {
        node.parent?.children.delete(node.key);
        this.#drop(node);
        continue;
      }
      const page = node.pages[group] as number;
      if (keepsAll || page === givenBack || allocator.owners(page) > 1) continue;
      node.pages[group] = givenBack;
      allocator.drop(page);
    }
  }

  #drop(node: PrefixNode): void {
    this.#nodes.delete(node);
    for (const [group, page] of node.pages.entries())
      if (page !== givenBack) this.#pool.allocators[group]?.drop(page);
  }
}

/** A sequence needs no state but that at the end of the branch that it takes over. */
function stateOf({ pages, depth }: PrefixNode, group: number, end: number): number {
  return depth === end ? (pages[group] as number) : givenBack;
}

/** Whether later tokens see all pages of the group. */
function isWhole(group: CacheGroup | undefined): boolean {
  return group?.kind === 'kv' && group.window === null;
}

/** The page of a node in one group, for the trie and for a sequence: the node's where it has one, else the sequence's. */
function shareWith(node: PrefixNode, sequence: Sequence, group: number, allocator: PageAllocator): void {
  const table = sequence.tables[group];
  const index = node.depth - 1;
  const own = table?.at(index) ?? givenBack;
  const known = node.pages[group] as number;
  if (own === givenBack || own === known) return;
  if (known === givenBack) {
    allocator.keep(own);
    node.pages[group] = own;
    return;
  }
  allocator.share([known]);
  table?.exchange(index, known);
}
