// Pages of the KV cache that outlive their text, so that another text with the same beginning need not compute it again:
// a trie over pages of tokens, as in SGLang's RadixAttention (arXiv 2312.07104), but of whole pages only, which are never
// written again and so need no copy on write. The trie owns one reference to each of its pages; texts that use one own
// another. A text that uses a page uses all pages before it, so what no text uses is always the end of a branch.
import type { PageAllocator } from './page-allocator.js';
import type { Sequence } from './sequence.js';

interface Node {
  readonly id: number;
  readonly page: number;
  /** Its tokens, as text: the key in `parent.children`. */
  readonly key: string;
  readonly parent: Node | null;
  /** Pages from the root to here. */
  readonly depth: number;
  readonly children: Map<string, Node>;
}

export class PrefixCache {
  readonly #allocator: PageAllocator;
  readonly #root: Node = { id: 0, page: -1, key: '', parent: null, depth: 0, children: new Map() };
  /** All nodes but the root, the one used longest ago first. */
  readonly #nodes = new Set<Node>();
  /** How far each text's pages are those of the trie. */
  #cursors = new WeakMap<Sequence, Node>();
  #ids = 0;
  /** Of the allocator, when the trie was last empty. */
  #losses: number;

  /** Takes part in allocation from now on: gives pages back when the allocator is short of them. */
  constructor(allocator: PageAllocator) {
    this.#allocator = allocator;
    this.#losses = allocator.losses;
    allocator.reclaimFrom((count) => this.#evict(count));
  }

  /** Pages in the trie. */
  get pages(): number {
    return this.#nodes.size;
  }

  /** Pages of the trie that no text uses. */
  get evictable(): number {
    let count = 0;
    for (const { page } of this.#nodes) if (this.#allocator.owners(page) === 1) count += 1;
    return count;
  }

  /**
   * Gives a text all pages of its next tokens that are here. At least one token stays to be fed, as logits come of it.
   * @returns tokens that need not be fed any more
   */
  adopt(sequence: Sequence): number {
    const found: Node[] = [];
    let node = this.#cursor(sequence);
    if (node.depth * this.#allocator.pageSize !== sequence.cached) return 0;
    for (;;) {
      const next = node.children.get(this.#key(sequence, node.depth) ?? '');
      if (next === undefined || this.#end(next) >= sequence.tokens.length) break;
      found.push(next);
      node = next;
    }
    if (found.length === 0) return 0;
    const pages = found.map(({ page }) => page);
    this.#allocator.share(pages);
    sequence.adopt(pages);
    this.#cursors.set(sequence, node);
    this.#touch(node);
    return pages.length * this.#allocator.pageSize;
  }

  /** Pages that `adopt` would find now. */
  matches(sequence: Sequence): number {
    let node = this.#cursor(sequence);
    const start = node.depth;
    for (;;) {
      const next = node.children.get(this.#key(sequence, node.depth) ?? '');
      if (next === undefined || this.#end(next) >= sequence.tokens.length) return node.depth - start;
      node = next;
    }
  }

  /** Takes in the pages that a text has filled. Where the same page is here already, the text's own is freed for it. */
  record(sequence: Sequence): void {
    let node = this.#cursor(sequence);
    while ((node.depth + 1) * this.#allocator.pageSize <= sequence.cached) {
      const key = this.#key(sequence, node.depth);
      const page = sequence.pages[node.depth];
      if (key === null || page === undefined) break;
      const known = node.children.get(key);
      this.#allocator.share([known?.page ?? page]);
      if (known !== undefined) sequence.exchange(node.depth, known.page);
      node = known ?? this.#add(node, key, page);
    }
    if (node === this.#cursor(sequence)) return;
    this.#cursors.set(sequence, node);
    this.#touch(node);
  }

  /**
   * Names the page of tokens that a text would feed next; the same for two texts that would compute the same page. null
   * where it does not begin a page, or not fill it.
   */
  nextPage(sequence: Sequence): string | null {
    const { id, depth } = this.#cursor(sequence);
    if (depth * this.#allocator.pageSize !== sequence.cached) return null;
    const key = this.#key(sequence, depth);
    return key === null ? null : `${id}:${key}`;
  }

  /** A text gives its pages back; those that are here stay until somebody needs the room. */
  release(sequence: Sequence): void {
    this.#cursors.delete(sequence);
    sequence.release();
  }

  /** Frees all pages that no text uses. */
  clear(): void {
    this.#evict(Infinity);
  }

  #cursor(sequence: Sequence): Node {
    if (this.#losses !== this.#allocator.losses) this.#forget();
    return this.#cursors.get(sequence) ?? this.#root;
  }

  /** What the pages held was lost. */
  #forget(): void {
    this.#losses = this.#allocator.losses;
    this.#cursors = new WeakMap();
    this.#root.children.clear();
    for (const { page } of this.#nodes) this.#allocator.release([page]);
    this.#nodes.clear();
  }

  /** The tokens of a text's page by index, and how they turn; null where it is not full. */
  #key(sequence: Sequence, index: number): string | null {
    const { tokens } = sequence;
    const { pageSize } = this.#allocator;
    const first = index * pageSize;
    if (first + pageSize > tokens.length) return null;
    const key = tokens.slice(first, first + pageSize).join();
    // Lengths only grow: where the last token turns as in a short text, all do.
    if (sequence.rotationKind(first + pageSize - 1) === 0) return key;
    const kinds = Array.from({ length: pageSize }, (_, i) => sequence.rotationKind(first + i));
    return `${key}@${kinds.join()}`;
  }

  #end({ depth }: Node): number {
    return depth * this.#allocator.pageSize;
  }

  /** The trie's reference to the page is the caller's. */
  #add(parent: Node, key: string, page: number): Node {
    this.#ids += 1;
    const node = { id: this.#ids, page, key, parent, depth: parent.depth + 1, children: new Map() };
    parent.children.set(key, node);
    this.#nodes.add(node);
    return node;
  }

  /** Makes a branch the one used last; its end before its beginning, so that evicting goes from the end. */
  #touch(end: Node): void {
    for (let node: Node | null = end; node !== null && node !== this.#root; node = node.parent) {
      this.#nodes.delete(node);
      this.#nodes.add(node);
    }
  }

  #evict(count: number): void {
    let left = count;
    // Ends before beginnings: one pass over the oldest first finds each page after those behind it.
    for (const node of this.#nodes) {
      if (left <= 0) return;
      if (node.children.size > 0 || this.#allocator.owners(node.page) !== 1) continue;
      node.parent?.children.delete(node.key);
      this.#nodes.delete(node);
      this.#allocator.release([node.page]);
      left -= 1;
    }
  }
}
