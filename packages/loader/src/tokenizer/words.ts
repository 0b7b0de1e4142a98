// Models that look words up: WordLevel takes a whole word or the unknown; WordPiece (Schuster and Nakajima 2012) takes the
// longest token at the beginning, then the longest that continues a word, or the unknown for all of it.

import type { Component } from './component.js';
import type { TokenModel } from './vocabulary.js';
import { vocabularyOf } from './vocabulary.js';

export function wordLevel(component: Component): TokenModel {
  const { ids, ...own } = vocabularyOf(component);
  const unknown = component.text('unk_token', '<unk>');
  return {
    ...own,
    tokenize: (word) => [
      ids.get(word) ?? ids.get(unknown) ?? component.refuse('unk_token in its vocab', unknown),
    ],
  };
}

export function wordPiece(component: Component): TokenModel {
  const { ids, ...own } = vocabularyOf(component);
  const unknown = component.text('unk_token', '[UNK]');
  const prefix = component.text('continuing_subword_prefix', '##');
  const longestWord = component.count('max_input_chars_per_word', 100);
  let longest = 0;
  for (const token of ids.keys()) longest = Math.max(longest, token.length);
  return {
    ...own,
    tokenize(word) {
      const characters = [...word];
      const found = characters.length > longestWord ? null : pieces(characters);
      return found ?? [ids.get(unknown) ?? component.refuse('unk_token in its vocab', unknown)];
    },
  };

  function pieces(characters: readonly string[]): number[] | null {
    const found: number[] = [];
    for (let start = 0; start < characters.length; ) {
      let end = Math.min(characters.length, start + longest);
      let id: number | undefined;
      for (; end > start; end -= 1) {
        id = ids.get((start > 0 ? prefix : '') + characters.slice(start, end).join(''));
        if (id !== undefined) break;
      }
      if (id === undefined) return null;
      found.push(id);
      start = end;
    }
    return found;
  }
}
