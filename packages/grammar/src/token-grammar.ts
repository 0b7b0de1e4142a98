// A grammar over the tokens of a vocabulary: which of them can come next. Tokens are sorted by their bytes and read one
// after the other; what two neighbours have in common is read once, and a beginning that fails is skipped with all that
// share it. The answer for a position is kept, as positions come again: within a string it is mostly the same one.
import { MoeqError } from '@moeq/tensors';
import type { Grammar } from './grammar.js';
import { type Position, Recognizer } from './recognizer.js';

export interface Vocabulary {
  /** Ids from 0 to this minus one. */
  readonly size: number;
  /** What a token adds to a text; null: nothing, as special tokens. */
  readonly bytes: (id: number) => Uint8Array | null;
}

/** Tokens by their bytes; made once for a vocabulary, for all grammars. */
export class TokenTable {
  readonly size: number;
  readonly bytes: Vocabulary['bytes'];
  /** Tokens with bytes, in the order of their bytes. */
  readonly ids: Int32Array;
  /** Bytes that a token has in common with the one before it. */
  readonly common: Int32Array;

  constructor({ size, bytes }: Vocabulary) {
    this.size = size;
    this.bytes = bytes;
    const tokens: { id: number; text: Uint8Array }[] = [];
    for (let id = 0; id < size; id += 1) {
      const text = bytes(id);
      if (text !== null && text.length > 0) tokens.push({ id, text });
    }
    tokens.sort((a, b) => compare(a.text, b.text));
    this.ids = Int32Array.from(tokens, ({ id }) => id);
    this.common = Int32Array.from(tokens, ({ text }, index) => commonLength(tokens[index - 1]?.text, text));
  }
}

/** Masks remembered at a time: for a vocabulary of 150,000, 19 kB each. */
const maxMasks = 512;

/** A grammar with the tokens of a vocabulary: makes constraints for any number of texts. */
export class TokenGrammar {
  readonly #recognizer: Recognizer;
  readonly #table: TokenTable;
  /** Bits of allowed tokens; the position asked for longest ago first. */
  readonly #masks = new Map<Position, Uint32Array>();

  constructor(grammar: Grammar, table: TokenTable) {
    this.#recognizer = new Recognizer(grammar);
    this.#table = table;
  }

  /** @param stopTokenIds allowed where the text may end, and nowhere else */
  constraint(stopTokenIds: readonly number[]): Constraint {
    return new Constraint(this, this.#recognizer.start, stopTokenIds);
  }

  /** One bit a token, 32 a word, low bits first. */
  mask(position: Position): Uint32Array {
    const known = this.#masks.get(position);
    const mask = known ?? this.#compute(position);
    this.#masks.delete(position);
    this.#masks.set(position, mask);
    if (this.#masks.size > maxMasks) {
      for (const oldest of this.#masks.keys()) {
        this.#masks.delete(oldest);
        break;
      }
    }
    return mask;
  }

  /** The position behind a token; null where it is not allowed. */
  step(position: Position, tokenId: number): Position | null {
    const bytes = this.#table.bytes(tokenId);
    if (bytes === null || bytes.length === 0) return null;
    let at: Position | null = position;
    for (const byte of bytes) at = at === null ? null : this.#recognizer.step(at, byte);
    return at;
  }

  #compute(start: Position): Uint32Array {
    const { size, ids, common, bytes } = this.#table;
    const mask = new Uint32Array(Math.ceil(size / 32));
    /** Positions behind the first bytes of the token before. */
    const path: Position[] = [start];
    for (let index = 0; index < ids.length; ) {
      const id = ids[index] as number;
      const text = bytes(id) ?? new Uint8Array();
      path.length = Math.min(path.length, (common[index] as number) + 1);
      while (path.length <= text.length) {
        const next = this.#recognizer.step(
          path[path.length - 1] as Position,
          text[path.length - 1] as number,
        );
        if (next === null) break;
        path.push(next);
      }
      const read = path.length - 1;
      index += 1;
      if (read === text.length) mask[id >>> 5] = (mask[id >>> 5] as number) | (1 << (id & 31));
      else while (index < ids.length && (common[index] as number) > read) index += 1;
    }
    return mask;
  }
}

/** One text's way through a grammar; fits the runtime's TokenConstraint. */
export class Constraint {
  readonly #grammar: TokenGrammar;
  readonly #stopTokenIds: readonly number[];
  #position: Position;

  constructor(grammar: TokenGrammar, start: Position, stopTokenIds: readonly number[]) {
    this.#grammar = grammar;
    this.#position = start;
    this.#stopTokenIds = stopTokenIds;
  }

  /** The text is complete and nothing can follow. */
  get finished(): boolean {
    return this.#position.complete;
  }

  /** The text may end here. */
  get accepting(): boolean {
    return this.#position.accepting;
  }

  /**
   * Sets the logits of tokens that cannot come next to -Infinity. Where none can, only stop tokens are left, so that the
   * text ends.
   * @param logits float32 [V]
   */
  mask(logits: Float32Array): void {
    const mask = this.#grammar.mask(this.#position);
    const stops = this.#stopTokenIds.map((id) => [id, logits[id] as number] as const);
    let allowed = 0;
    for (let id = 0; id < logits.length; id += 1) {
      if ((((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1) allowed += 1;
      else logits[id] = -Infinity;
    }
    const mayEnd = this.#position.accepting || allowed === 0;
    for (const [id, logit] of stops) logits[id] = mayEnd ? logit : -Infinity;
  }

  /** @throws MoeqError for a token that the grammar forbids */
  accept(tokenId: number): void {
    const next = this.#grammar.step(this.#position, tokenId);
    if (next !== null) {
      this.#position = next;
      return;
    }
    throw new MoeqError({
      operation: 'follow the grammar',
      subject: `token ${tokenId}`,
      expected: 'one that the grammar allows',
      found: 'another',
    });
  }
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
