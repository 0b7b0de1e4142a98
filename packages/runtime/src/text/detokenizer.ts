// Text of a stream of tokens, as soon as it is certain. Byte-level tokens cut characters anywhere; a character is shown
// when its last byte is there. Only a short window of tokens is decoded at a time, so a token costs the same however
// long the text has become; the tokens before the new one stay in the window because some decoders look at them (a
// leading blank, for instance). The idea is that of text-generation-inference's prefix and read offsets.
import type { Tokenizer } from '../model-source.js';

/** An incomplete character is at most 3 bytes of 4, and a decoder shows one U+FFFD for the lot or one a byte. */
const maxIncomplete = 3;
/** Tokens of the text before that stay in the window: enough for any decoder's context and for an incomplete character. */
const contextTokens = 8;
/** Tokens in the window before it is moved on although its text ends within a character, as random bytes do. */
const maxWindow = 32;

export class Detokenizer {
  readonly #tokenizer: Tokenizer;
  #window: number[];
  /** Length of the window's text that has been shown, or belongs to the context. */
  #shown: number;

  /** @param context tokens before the first one, e.g. the prompt: looked at, never shown */
  constructor(tokenizer: Tokenizer, context: readonly number[] = []) {
    this.#tokenizer = tokenizer;
    this.#window = this.#tail(context);
    this.#shown = certainLength(this.#decode(), maxIncomplete);
  }

  /** Takes one token, answers the text that is certain now; empty while a character is incomplete. */
  push(tokenId: number): string {
    this.#window.push(tokenId);
    const text = this.#decode();
    // Bytes in a row may all be U+FFFD until the last of them is there; random bytes are not waited for.
    const isFull = this.#window.length > maxWindow;
    const certain = certainLength(text, isFull ? maxIncomplete : text.length);
    const fresh = text.slice(this.#shown, certain);
    this.#shown = Math.max(this.#shown, certain);
    const complete = certain === text.length;
    if (isFull || (complete && this.#window.length > 2 * contextTokens)) this.#moveOn();
    return fresh;
  }

  /** The stream has ended: the text held back, U+FFFD where it stops within a character. */
  flush(): string {
    const text = this.#decode();
    const rest = text.slice(this.#shown);
    this.#shown = text.length;
    return rest;
  }

  #moveOn(): void {
    this.#window = this.#tail(this.#window);
    this.#shown = certainLength(this.#decode(), maxIncomplete);
  }

  /**
   * The last tokens, from one that begins no character's middle: of byte fallback, all bytes in a row are U+FFFD where the
   * first of them does.
   */
  #tail(ids: readonly number[]): number[] {
    let [best, fewest] = [ids.slice(-contextTokens), Infinity];
    for (let length = contextTokens; length <= contextTokens + maxIncomplete; length += 1) {
      const candidate = ids.slice(-length);
      const count = this.#decode(candidate).split('\uFFFD').length;
      if (count < fewest) [best, fewest] = [candidate, count];
    }
    return best;
  }

  #decode(ids: readonly number[] = this.#window): string {
    // A padded embedding table has ids that no text belongs to.
    const known = ids.filter((id) => id < this.#tokenizer.vocabularySize);
    return this.#tokenizer.decode(known, { skipSpecialTokens: true });
  }
}

/** Length of `text` without the U+FFFD at its end that may still become characters, at most `most` of them. */
function certainLength(text: string, most: number): number {
  let length = text.length;
  while (length > Math.max(0, text.length - most) && text[length - 1] === '\uFFFD') length -= 1;
  return length;
}
