// A unigram language model (Kudo 2018): the cut of a text into tokens with the highest sum of scores, by dynamic programming.
// As tokenizers/src/models/unigram does it: characters without a token cost ten more than the worst token, and
// neighbours of that kind are one unknown, or their bytes.
import { isObject } from '@moeq/tensors';
import { tokenOfByte } from './bytes.js';
import type { Component } from './component.js';
import { Trie } from './trie.js';
import type { TokenModel } from './vocabulary.js';
import { vocabularyFrom } from './vocabulary.js';

/** What an unknown character costs beside the lowest score; `kUnkPenalty` of SentencePiece. */
const unknownPenalty = 10;

interface Piece {
  readonly token: string;
  readonly score: number;
}

export function unigram(component: Component): TokenModel {
  const pieces = piecesOf(component);
  const ids = new Map<string, number>();
  const trie = new Trie<number>();
  for (const [id, { token }] of pieces.entries()) {
    ids.set(token, id);
    if (token !== '') trie.set(token, id);
  }
  const unknown = unknownOf(component, pieces.length);
  const unknownScore = pieces.reduce((least, { score }) => Math.min(least, score), Infinity) - unknownPenalty;
  const bytes = component.field('byte_fallback') == null ? false : component.flag('byte_fallback');
  const utf8 = new TextEncoder();

  /** Parts of a text on the best way through it. */
  const best = (text: string): string[] => {
    const scores = new Float64Array(text.length + 1);
    const from = new Int32Array(text.length + 1).fill(-1);
    const isUnknown = new Uint8Array(text.length + 1);
    const reach = (start: number, end: number, score: number, id: number | null) => {
      const total = score + (scores[start] ?? 0);
      if (from[end] !== -1 && total <= (scores[end] ?? 0)) return;
      // Only where an unknown would be the best way so far: a longer token that is better needs none.
      if (id === null) component.refuse('unk_id, for a character without a token', text.slice(start, end));
      scores[end] = total;
      from[end] = start;
      isUnknown[end] = id === unknown ? 1 : 0;
    };
    for (let start = 0; start < text.length; ) {
      const length = (text.codePointAt(start) ?? 0) > 0xffff ? 2 : 1;
      let hasSingle = false;
      trie.prefixes(text, start, (end, id) => {
        reach(start, end, pieces[id]?.score ?? 0, id);
        hasSingle ||= end === start + length;
      });
      if (!hasSingle) reach(start, start + length, unknownScore, unknown);
      start += length;
    }
    return partsOf(text, from, isUnknown);
  };

  return {
    ...vocabularyFrom(ids),
    size: pieces.length,
    tokenOf: (id) => pieces[id]?.token,
    tokenize: (text) =>
      best(text).flatMap((each) => {
        const id = ids.get(each);
        if (id !== undefined) return [id];
        const own = bytes ? Array.from(utf8.encode(each), (byte) => ids.get(tokenOfByte(byte))) : [undefined];
        if (own.every((value) => value !== undefined)) return own;
        return [unknown ?? component.refuse('unk_id, for a text without a token', each)];
      }),
  };
}

/** Goes back from the end; neighbours that are unknown are one piece. */
function partsOf(text: string, from: Int32Array, isUnknown: Uint8Array): string[] {
  const parts: string[] = [];
  let unknownEnd = -1;
  for (let end = text.length; end > 0; ) {
    const start = from[end] ?? 0;
    if (isUnknown[end] === 1) {
      if (unknownEnd === -1) unknownEnd = end;
      if (start === 0) parts.push(text.slice(0, unknownEnd));
    } else {
      if (unknownEnd !== -1) parts.push(text.slice(end, unknownEnd));
      unknownEnd = -1;
      parts.push(text.slice(start, end));
    }
    end = start;
  }
  return parts.reverse();
}

function piecesOf(component: Component): Piece[] {
  const vocab = component.field('vocab');
  if (!Array.isArray(vocab)) {
    return component.refuse(
      'a list of tokens with their scores as vocab',
      isObject(vocab) ? 'an object' : vocab,
    );
  }
  return vocab.map((entry: unknown) => {
    const [token, score] = Array.isArray(entry) ? (entry as readonly unknown[]) : [];
    if (typeof token === 'string' && typeof score === 'number') return { token, score };
    return component.refuse('tokens with their scores as vocab', entry);
  });
}

function unknownOf(component: Component, size: number): number | null {
  if (component.field('unk_id') == null) return null;
  const id = component.count('unk_id');
  return id < size ? id : component.refuse(`unk_id below ${size}`, id);
}
