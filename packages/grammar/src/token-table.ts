// The tokens of a vocabulary in the order of their bytes, so that what two neighbours have in common is read once.

export interface Vocabulary {
  /** Ids from 0 to this minus one. */
  readonly size: number;
  /** What a token adds to a text; null: nothing, as special tokens. */
  readonly bytes: (id: number) => Uint8Array | null;
}

/** Made once for a vocabulary, for all grammars. */
export class TokenTable {
  readonly size: number;
  /** Tokens with bytes, in the order of their bytes. */
  readonly ids: Int32Array;
  /** Bytes that a token has in common with the one before it. */
  readonly common: Uint16Array;
  /** Bytes of the longest token. */
  readonly longest: number;
  /** Objects and lists that one token can open. */
  readonly openings: number;
  /** Bytes of all tokens; of token `ids[i]` from `starts[i]` to `starts[i + 1]`. */
  readonly data: Uint8Array;
  readonly starts: Int32Array;
  /** Place of a token in `ids`; -1. */
  readonly #places: Int32Array;

  constructor({ size, bytes }: Vocabulary) {
    this.size = size;
    const tokens: { id: number; text: Uint8Array }[] = [];
    for (let id = 0; id < size; id += 1) {
      const text = bytes(id);
      if (text !== null && text.length > 0) tokens.push({ id, text });
    }
    tokens.sort((a, b) => compare(a.text, b.text));
    this.ids = Int32Array.from(tokens, ({ id }) => id);
    this.common = Uint16Array.from(tokens, ({ text }, index) => commonLength(tokens[index - 1]?.text, text));
    this.longest = tokens.reduce((most, { text }) => Math.max(most, text.length), 0);
    this.openings = tokens.reduce((most, { text }) => Math.max(most, openings(text)), 0);
    this.starts = new Int32Array(tokens.length + 1);
    this.#places = new Int32Array(size).fill(-1);
    for (const [index, { id, text }] of tokens.entries()) {
      this.starts[index + 1] = (this.starts[index] as number) + text.length;
      this.#places[id] = index;
    }
    this.data = new Uint8Array(this.starts[tokens.length] as number);
    for (const [index, { text }] of tokens.entries()) this.data.set(text, this.starts[index]);
  }

  /** Bytes of a token; null: it has none. */
  bytes(id: number): Uint8Array | null {
    const index = this.#places[id] ?? -1;
    return index < 0 ? null : this.data.subarray(this.starts[index], this.starts[index + 1]);
  }
}

function openings(text: Uint8Array): number {
  return text.reduce((count, byte) => count + (byte === 0x5b || byte === 0x7b ? 1 : 0), 0);
}

function compare(a: Uint8Array, b: Uint8Array): number {
  const at = commonLength(a, b);
  return (a[at] ?? -1) - (b[at] ?? -1);
}

function commonLength(a: Uint8Array | undefined, b: Uint8Array): number {
  if (a === undefined) return 0;
  const most = Math.min(a.length, b.length);
  for (let index = 0; index < most; index += 1) if (a[index] !== b[index]) return index;
  return most;
}
