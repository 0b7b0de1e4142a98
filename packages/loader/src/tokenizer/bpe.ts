// Byte-pair encoding (Sennrich et al. 2016): the two neighbours whose pair comes first among the merges become one token,
// again and again; of the same pair the leftmost. As tokenizers/src/models/bpe does it, with a queue of merges by rank.
import { tokenOfByte } from './bytes.js';
import { MergeQueue } from './merge-queue.js';
import type { Part } from './part.js';
import type { TokenModel } from './vocabulary.js';
import { ID_LIMIT, vocabularyOf } from './vocabulary.js';

/** Words whose ids are kept, and the longest of them in UTF-16 units: texts repeat their words. */
const CACHED_WORDS = 10_000;
const CACHED_LENGTH = 256;

interface Merge {
  readonly rank: number;
  /** Of the token that a pair becomes. */
  readonly id: number;
}

export function bpe(part: Part): TokenModel {
  const { ids: vocabulary, ...own } = vocabularyOf(part);
  const merges = mergesOf(part, vocabulary);
  const ignoresMerges = flagOf(part, 'ignore_merges');
  const symbolsOf = symbolsIn(part, vocabulary);
  const dropout = part.field('dropout') ?? 0;
  if (dropout !== 0) part.refuse('no dropout: ids that are drawn cannot be those of the library', dropout);
  const cache = new Map<string, readonly number[]>();
  return {
    ...own,
    tokenize(piece) {
      const whole = ignoresMerges ? vocabulary.get(piece) : undefined;
      if (whole !== undefined) return [whole];
      const known = cache.get(piece);
      if (known !== undefined) return known;
      const ids = mergeAll(symbolsOf(piece), merges);
      if (piece.length <= CACHED_LENGTH) {
        if (cache.size >= CACHED_WORDS) cache.clear();
        cache.set(piece, ids);
      }
      return ids;
    },
  };
}

function flagOf(part: Part, name: string): boolean {
  return part.field(name) == null ? false : part.flag(name);
}

function affix(part: Part, name: string): string {
  return part.field(name) == null ? '' : part.text(name);
}

const keyOf = (left: number, right: number) => left * ID_LIMIT + right;

/** By the key of the pair. A pair that comes twice counts where it comes last. */
function mergesOf(part: Part, vocabulary: ReadonlyMap<string, number>): ReadonlyMap<number, Merge> {
  const list = part.field('merges');
  if (!Array.isArray(list)) return part.refuse('a list as merges', list);
  const prefix = affix(part, 'continuing_subword_prefix');
  const idOf = (token: string) =>
    vocabulary.get(token) ?? part.refuse('merges of tokens in its vocab', token);
  const merges = new Map<number, Merge>();
  let rank = 0;
  for (const merge of list as readonly unknown[]) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue;
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right, ...more] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    if (typeof left !== 'string' || typeof right !== 'string' || more.length > 0) {
      return part.refuse('pairs of tokens as merges', merge);
    }
    const id = idOf(left + right.slice(prefix.length));
    merges.set(keyOf(idOf(left), idOf(right)), { rank, id });
    rank += 1;
  }
  return merges;
}

/** The ids of a piece's characters, of their bytes, or of the unknown. */
function symbolsIn(part: Part, vocabulary: ReadonlyMap<string, number>): (piece: string) => number[] {
  const [prefix, suffix] = [affix(part, 'continuing_subword_prefix'), affix(part, 'end_of_word_suffix')];
  const [fusesUnknown, bytes] = [flagOf(part, 'fuse_unk'), flagOf(part, 'byte_fallback')];
  const unknownToken = part.field('unk_token') == null ? null : part.text('unk_token');
  const utf8 = new TextEncoder();
  const byteIds = Array.from({ length: 256 }, (_, byte) => vocabulary.get(tokenOfByte(byte)));
  const isId = (id: number | undefined) => id !== undefined;
  return (piece) => {
    const symbols: number[] = [];
    // The library writes an unknown character when the next known one comes: bytes may come before it.
    let unknown: number | null = null;
    let at = 0;
    for (const character of piece) {
      const isFirst = at === 0;
      at += character.length;
      const symbol = (isFirst ? '' : prefix) + character + (at === piece.length ? suffix : '');
      const id = vocabulary.get(symbol);
      if (id !== undefined) {
        if (unknown !== null) symbols.push(unknown);
        unknown = null;
        symbols.push(id);
        continue;
      }
      const own = bytes ? Array.from(utf8.encode(symbol), (byte) => byteIds[byte]) : [undefined];
      if (own.every(isId)) {
        symbols.push(...own);
        continue;
      }
      if (unknownToken === null) continue;
      if (unknown !== null && !fusesUnknown) symbols.push(unknown);
      unknown ??= vocabulary.get(unknownToken) ?? part.refuse('unk_token in its vocab', unknownToken);
    }
    if (unknown !== null) symbols.push(unknown);
    return symbols;
  };
}

/** Symbols form a linked list: a merge keeps the left one and takes the right one out. */
function mergeAll(symbols: number[], merges: ReadonlyMap<number, Merge>): readonly number[] {
  const count = symbols.length;
  if (count < 2) return symbols;
  const next = Int32Array.from({ length: count }, (_, index) => (index + 1 < count ? index + 1 : -1));
  const previous = Int32Array.from({ length: count }, (_, index) => index - 1);
  const removed = new Uint8Array(count);
  const queue = new MergeQueue();
  const mergeAt = (left: number): Merge | undefined => {
    const right = next[left] ?? -1;
    return right < 0 ? undefined : merges.get(keyOf(symbols[left] ?? 0, symbols[right] ?? 0));
  };
  const offer = (left: number) => {
    const merge = mergeAt(left);
    if (merge !== undefined) queue.push(merge.rank, left, merge.id);
  };
  for (let index = 0; index + 1 < count; index += 1) offer(index);
  for (let top = queue.pop(); top !== null; top = queue.pop()) {
    const { at, id } = top;
    // Merges of what is no longer there stay in the queue until they come up.
    if (removed[at] === 1 || mergeAt(at)?.id !== id) continue;
    const right = next[at] ?? -1;
    const after = next[right] ?? -1;
    symbols[at] = id;
    removed[right] = 1;
    next[at] = after;
    if (after >= 0) previous[after] = at;
    const before = previous[at] ?? -1;
    if (before >= 0) offer(before);
    offer(at);
  }
  return symbols.filter((_, index) => removed[index] === 0);
}
