// Blocks of files that were read last, and those on their way: reads of a few kilobytes side by side become few requests.

/** Bytes of a block: large beside what a request costs, small enough to be fetched for one header. */
export const blockBytes = 4 * 2 ** 20;

/** 64 MiB: a layer's experts of small models, or what several shards have on their way. */
const maxBlocks = 16;

export class Blocks {
  /** Of all files; the one used longest ago first. */
  readonly #kept = new Map<string, Promise<Uint8Array>>();
  #files = 0;

  /** A number for the blocks of one file. */
  newFile(): number {
    this.#files += 1;
    return this.#files;
  }

  /** A block, which `load` gets where it is not here. One that fails is forgotten. */
  get(file: number, index: number, load: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const key = `${file} ${index}`;
    const block = this.#kept.get(key) ?? load();
    this.#kept.delete(key);
    this.#kept.set(key, block);
    block.catch(() => this.#kept.get(key) === block && this.#kept.delete(key));
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= maxBlocks) break;
      this.#kept.delete(oldest);
    }
    return block;
  }

  /** Forgets the blocks of one file. */
  forget(file: number): void {
    for (const key of this.#kept.keys()) if (key.startsWith(`${file} `)) this.#kept.delete(key);
  }
}
