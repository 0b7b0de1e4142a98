// Texts as a tree of their UTF-16 units, to find those that a text has at a place.

interface TrieNode<Value> {
  readonly next: Map<number, TrieNode<Value>>;
  value: Value | undefined;
}

export class Trie<Value> {
  readonly #root: TrieNode<Value> = { next: new Map(), value: undefined };

  set(key: string, value: Value): void {
    let node = this.#root;
    for (let at = 0; at < key.length; at += 1) {
      const unit = key.charCodeAt(at);
      let below = node.next.get(unit);
      if (below === undefined) {
        below = { next: new Map(), value: undefined };
        node.next.set(unit, below);
      }
      node = below;
    }
    node.value = value;
  }

  /** Gives the end and the value of every key that stands at `start`, the shortest first. */
  prefixes(text: string, start: number, take: (end: number, value: Value) => void): void {
    let node: TrieNode<Value> | undefined = this.#root;
    for (let at = start; at < text.length; at += 1) {
      node = node.next.get(text.charCodeAt(at));
      if (node === undefined) return;
      if (node.value !== undefined) take(at + 1, node.value);
    }
  }
}
