// The tokens of a vocabulary in the order of their bytes, so that what two neighbours have in common is read once.

import { finished, inSlices, Pace, type Pausing, type Slicing, sortedInSlices } from './slices.js';

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

  /** @param sorted the vocabulary's tokens, where they are sorted already */
  constructor({ size, bytes }: Vocabulary, sorted = finished(sortedTokens({ size, bytes }))) {
    this.size = size;
    this.ids = Int32Array.from(sorted.tokens, ({ id }) => id);
    this.common = sorted.common;
    this.longest = sorted.longest;
    this.openings = sorted.openings;
    this.starts = sorted.starts;
    this.data = sorted.data;
    this.#places = new Int32Array(size).fill(-1);
    for (const [index, id] of this.ids.entries()) this.#places[id] = index;
  }

  /** As the constructor, in slices. @throws the signal's reason */
  static async make(vocabulary: Vocabulary, slicing: Slicing): Promise<TokenTable> {
    return new TokenTable(vocabulary, await inSlices(sortedTokens(vocabulary), slicing));
  }

  /** Bytes of a token; null: it has none. */
  bytes(id: number): Uint8Array | null {
    const index = this.#places[id] ?? -1;
    return index < 0 ? null : this.data.subarray(this.starts[index], this.starts[index + 1]);
  }
}

interface Token {
  readonly id: number;
  readonly text: Uint8Array;
}

interface SortedTokens extends Pick<TokenTable, 'common' | 'longest' | 'openings' | 'starts' | 'data'> {
  readonly tokens: readonly Token[];
}

function* sortedTokens({ size, bytes }: Vocabulary): Pausing<SortedTokens> {
  const pace = new Pace();
  const given: Token[] = [];
  for (let id = 0; id < size; id += 1) {
    const text = bytes(id);
    if (text !== null && text.length > 0) given.push({ id, text });
    if (pace.due()) yield;
  }
  const tokens = yield* sortedInSlices(given, (a, b) => compare(a.text, b.text));
  const common = new Uint16Array(tokens.length);
  const starts = new Int32Array(tokens.length + 1);
  let [longest, opened] = [0, 0];
  for (const [index, { text }] of tokens.entries()) {
    common[index] = commonLength(tokens[index - 1]?.text, text);
    starts[index + 1] = (starts[index] as number) + text.length;
    longest = Math.max(longest, text.length);
    opened = Math.max(opened, openings(text));
    if (pace.due()) yield;
  }
  const data = new Uint8Array(starts[tokens.length] as number);
  for (const [index, { text }] of tokens.entries()) {
    data.set(text, starts[index]);
    if (pace.due()) yield;
  }
  return { tokens, common, starts, longest, openings: opened, data };
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
