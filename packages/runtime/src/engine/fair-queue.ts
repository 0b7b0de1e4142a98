// Which client is served next: the one that has been served least, as the Virtual Token Counter (Sheng et al., "Fairness in
// Serving Large Language Models", arXiv 2401.00588). Every client has a counter of tokens computed for it; of the clients
// that wait, the one with the lowest counter comes first, and within a client the one that came first. A client that comes
// back from a pause starts at the level of the others, so idling saves up no claim.

/** Counters of clients that left are dropped above this number of clients. */
const maxIdleClients = 1024;

export class FairQueue<Item extends { readonly client: string }> {
  /** Items that wait, by client; no list is empty. */
  readonly #waiting = new Map<string, Item[]>();
  readonly #served = new Map<string, number>();
  /** Counter of the client that was served last: where newcomers start. */
  #level = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** @param first before the others of its client, as it ran already */
  push(item: Item, first = false): void {
    const items = this.#waiting.get(item.client);
    if (items === undefined) {
      this.#served.set(item.client, Math.max(this.#served.get(item.client) ?? 0, this.#level));
      this.#waiting.set(item.client, [item]);
    } else if (first) items.unshift(item);
    else items.push(item);
    this.#length += 1;
  }

  /** The next one; undefined where the queue is empty. */
  peek(): Item | undefined {
    let next: Item | undefined;
    let least = Infinity;
    for (const [client, [item]] of this.#waiting) {
      const served = this.#served.get(client) ?? 0;
      if (served >= least) continue;
      least = served;
      next = item;
    }
    return next;
  }

  /** Takes an item out, wherever it stands. @returns whether it was there */
  remove(item: Item): boolean {
    const items = this.#waiting.get(item.client) ?? [];
    const index = items.indexOf(item);
    if (index === -1) return false;
    items.splice(index, 1);
    if (items.length === 0) this.#waiting.delete(item.client);
    this.#length -= 1;
    return true;
  }

  /** Takes out whose turn it is. */
  take(): Item | undefined {
    const item = this.peek();
    if (item === undefined) return undefined;
    this.#level = Math.max(this.#level, this.#served.get(item.client) ?? 0);
    this.remove(item);
    return item;
  }

  /** Counts tokens that were computed for a client. */
  charge(client: string, tokens: number): void {
    this.#served.set(client, (this.#served.get(client) ?? this.#level) + tokens);
    if (this.#served.size > maxIdleClients + this.#waiting.size) this.#forgetIdle();
  }

  /** Clients that are not ahead of the others lose nothing by being forgotten; then those that do not wait at all. */
  #forgetIdle(): void {
    for (const [client, served] of this.#served) {
      if (served <= this.#level && !this.#waiting.has(client)) this.#served.delete(client);
    }
    for (const client of this.#served.keys()) {
      if (this.#served.size <= maxIdleClients / 2 + this.#waiting.size) return;
      if (!this.#waiting.has(client)) this.#served.delete(client);
    }
  }
}
