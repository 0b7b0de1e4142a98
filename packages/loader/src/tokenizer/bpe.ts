// Byte-pair encoding (Sennrich et al. 2016): the two neighbours whose pair comes first among the merges become one token,
// again and again; of the same pair the leftmost. As tokenizers/src/models/bpe does it, with a queue of merges by rank.
import { tokenOfByte } from './bytes.js';
import type { Component } from './component.js';
import { MergeQueue } from './merge-queue.js';
import type { TokenModel } from './vocabulary.js';
import { idLimit, vocabularyOf } from './vocabulary.js';

/** Words whose ids are kept, and the longest of them in UTF-16 units: texts repeat their words. */
const cachedWords = 10_000;
const cachedLength = 256;

interface Merge {
  readonly rank: number;
  /** Of the token that a pair becomes. */
  readonly id: number;
}

export function bpe(component: Component): TokenModel {
  const { ids: vocabulary, ...own } = vocabularyOf(component);
  const merges = mergesOf(component, vocabulary);
  const ignoresMerges = flagOf(component, 'ignore_merges');
  const symbolsOf = symbolsIn(component, vocabulary);
  const dropout = component.field('dropout') ?? 0;
  if (dropout !== 0)
    component.refuse('no dropout: ids that are drawn cannot be those of the library', dropout);
  const cache = new Map<string, readonly number[]>();
  return {
    ...own,
    tokenize(piece) {
      const whole = ignoresMerges ? vocabulary.get(piece) : undefined;
      if (whole !== undefined) return [whole];
      const known = cache.get(piece);
      if (known !== undefined) return known;
      const ids = mergeAll(symbolsOf(piece), merges);
      if (piece.length <= cachedLength) {
        if (cache.size >= cachedWords) cache.clear();
        cache.set(piece, ids);
      }
      return ids;
    },
  };
}

function flagOf(component: Component, name: string): boolean {
  return component.field(name) == null ? false : component.flag(name);
}

function affix(component: Component, name: string): string {
  return component.field(name) == null ? '' : component.text(name);
}

const keyOf = (left: number, right: number) => left * idLimit + right;

/** By the key of the pair. A pair that comes twice counts where it comes last. */
function mergesOf(component: Component, vocabulary: ReadonlyMap<string, number>): ReadonlyMap<number, Merge> {
  const list = component.field('merges');
  if (!Array.isArray(list)) return component.refuse('a list as merges', list);
  const prefix = affix(component, 'continuing_subword_prefix');
  const idOf = (token: string) =>
    vocabulary.get(token) ?? component.refuse('merges of tokens in its vocab', token);
  const merges = new Map<number, Merge>();
  let rank = 0;
  for (const merge of list as readonly unknown[]) {
    if (typeof merge === 'string' && merge.startsWith('#version')) continue;
    const pair: unknown = typeof merge === 'string' ? merge.split(' ') : merge;
    const [left, right, ...more] = Array.isArray(pair) ? (pair as readonly unknown[]) : [];
    if (typeof left !== 'string' || typeof right !== 'string' || more.length > 0) {
      return component.refuse('pairs of tokens as merges', merge);
    }
    const id = idOf(left + right.slice(prefix.length));
    merges.set(keyOf(idOf(left), idOf(right)), { rank, id });
    rank += 1;
  }
  return merges;
}

/** The ids of a piece's characters, of their bytes, or of the unknown. */
function symbolsIn(
  component: Component,
  vocabulary: ReadonlyMap<string, number>,
): (piece: string) => number[] {
  const [prefix, suffix] = [
    affix(component, 'continuing_subword_prefix'),
    affix(component, 'end_of_word_suffix'),
  ];
  const [fusesUnknown, bytes] = [flagOf(component, 'fuse_unk'), flagOf(component, 'byte_fallback')];
  const unknownToken = component.field('unk_token') == null ? null : component.text('unk_token');
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
      unknown ??= vocabulary.get(unknownToken) ?? component.refuse('unk_token in its vocab', unknownToken);
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
