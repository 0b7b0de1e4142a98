// Tokens beside the model, found in the text before it: tokenizers/src/tokenizer/added_vocabulary.rs. Those that are not
// normalized are found in the text as it is, the others, normalized, in the normalized rest. A token that the model has
// keeps the model's id; any other gets the next free one, whatever the file says.
import { type Normalizer, pieceOf } from './normalizers.js';
import { firstLength, type Piece, slice } from './piece.js';
import { Trie } from './trie.js';
import type { Vocabulary } from './vocabulary.js';

export interface AddedToken {
  readonly content: string;
  /** Is none within a word. */
  readonly singleWord: boolean;
  /** Takes the white space before it. */
  readonly lstrip: boolean;
  /** Takes the white space behind it. */
  readonly rstrip: boolean;
  readonly normalized: boolean;
  /** Is left out of texts where these are decoded without special tokens. */
  readonly special: boolean;
}

/** A piece of text, or a token that was found in it. */
export type Found = Piece | { readonly id: number };

export class AddedVocabulary {
  readonly #model: Vocabulary;
  readonly #normalizer: Normalizer | null;
  readonly #splitsSpecial: boolean;
  readonly #ids = new Map<string, number>();
  readonly #tokens = new Map<number, AddedToken>();
  /** What normalized tokens became, by id, where that is another text. */
  readonly #normalized = new Map<number, string>();
  readonly #special = new Set<string>();
  #tries: { readonly plain: Trie<number>; readonly normalized: Trie<number> } | null = null;

  /** @param splitsSpecial special tokens in a text are text (`split_special_tokens`) */
  constructor(model: Vocabulary, normalizer: Normalizer | null, splitsSpecial = false) {
    this.#model = model;
    this.#normalizer = normalizer;
    this.#splitsSpecial = splitsSpecial;
  }

  get tokens(): ReadonlyMap<number, AddedToken> {
    return this.#tokens;
  }

  add(tokens: readonly AddedToken[]): void {
    let next = this.#nextId();
    for (const token of tokens) {
      const { content } = token;
      if (content === '') continue;
      const known = this.idOf(content);
      const before = known === undefined ? undefined : this.#tokens.get(known);
      if (before !== undefined && identityOf(before) === identityOf(token)) continue;
      const id = known ?? next;
      if (known === undefined) next += 1;
      const text = this.#normalize(token);
      if (text !== content) this.#normalized.set(id, text);
      this.#ids.set(content, id);
      this.#tokens.set(id, token);
      if (token.special) this.#special.add(content);
    }
    this.#tries = null;
  }

  #nextId(): number {
    let next = this.#model.size;
    for (const id of this.#tokens.keys()) next = Math.max(next, id + 1);
    return next;
  }

  #normalize({ normalized, content }: AddedToken): string {
    return normalized && this.#normalizer !== null ? this.#normalizer(pieceOf(content, true)).text : content;
  }

  idOf(token: string): number | undefined {
    return this.#ids.get(token) ?? this.#model.idOf(token);
  }

  /** What decoding sees: a normalized token as the normalizer has it. */
  tokenOf(id: number): string | undefined {
    return this.#normalized.get(id) ?? this.#tokens.get(id)?.content ?? this.#model.tokenOf(id);
  }

  isSpecial(token: string): boolean {
    return this.#special.has(token);
  }

  /** A text as pieces for the pre-tokenizer and tokens between them, in order. */
  extract(text: string): Found[] {
    const { plain, normalized } = this.#build();
    return this.#cut(pieceOf(text, true), plain).flatMap((found) => {
      if ('id' in found) return [found];
      return this.#cut(this.#normalizer === null ? found : this.#normalizer(found), normalized);
    });
  }

  #build() {
    if (this.#tries !== null) return this.#tries;
    const tries = { plain: new Trie<number>(), normalized: new Trie<number>() };
    for (const [id, token] of this.#tokens) {
      if (token.normalized) tries.normalized.set(this.#normalized.get(id) ?? token.content, id);
      else tries.plain.set(token.content, id);
    }
    this.#tries = tries;
    return tries;
  }

  /** The leftmost tokens, and of those at one place the longest. */
  #cut(piece: Piece, trie: Trie<number>): Found[] {
    const { text } = piece;
    const found: Found[] = [];
    let covered = 0;
    const cover = (end: number) => {
      if (end > covered) found.push(slice(piece, covered, end));
    };
    for (let at = 0; at < text.length; ) {
      const match = longest(trie, text, at);
      if (match === null) {
        at += 1;
        continue;
      }
      const token = this.#tokens.get(match.id);
      const range = token === undefined ? null : this.#rangeOf(token, text, at, match.end, covered);
      at = match.end;
      if (range === null) continue;
      cover(range.start);
      // The search goes on behind the token, within what rstrip took: a token that has nothing left there is none.
      if (range.end > range.start) found.push({ id: match.id });
      covered = range.end;
    }
    cover(text.length);
    return found;
  }

  /** What a token takes of the text; null where it does not count. */
  #rangeOf(token: AddedToken, text: string, start: number, end: number, covered: number) {
    if (this.#splitsSpecial && this.#special.has(token.content)) return null;
    if (token.singleWord && (endsWithWord(text.slice(0, start)) || startsWithWord(text.slice(end)))) {
      return null;
    }
    const from = token.lstrip ? Math.max(spaceBefore(text, start), covered) : start;
    return { start: from, end: token.rstrip ? spaceBehind(text, end) : end };
  }
}

/** A text that is the same for tokens that are the same in all. */
function identityOf(token: AddedToken): string {
  const { content, singleWord, lstrip, rstrip, normalized, special } = token;
  return JSON.stringify([content, singleWord, lstrip, rstrip, normalized, special]);
}

function longest(trie: Trie<number>, text: string, at: number): { id: number; end: number } | null {
  let match: { id: number; end: number } | null = null;
  trie.prefixes(text, at, (end, id) => {
    match = { id, end };
  });
  return match;
}

const word = '[\\p{Alphabetic}\\p{M}\\p{Nd}\\p{Pc}\\p{Join_Control}]';
const firstWord = new RegExp(`^${word}`, 'u');
const lastWord = new RegExp(`${word}$`, 'u');
const space = /^\p{White_Space}$/u;

function startsWithWord(text: string): boolean {
  return firstWord.test(text.slice(0, firstLength(text)));
}

function endsWithWord(text: string): boolean {
  return lastWord.test(text.slice(-2));
}

/** Where the white space before `end` begins. */
function spaceBefore(text: string, end: number): number {
  while (end > 0 && space.test(text.charAt(end - 1))) end -= 1;
  return end;
}

function spaceBehind(text: string, start: number): number {
  while (start < text.length && space.test(text.charAt(start))) start += 1;
  return start;
}
