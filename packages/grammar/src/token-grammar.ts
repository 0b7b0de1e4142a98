// A grammar over the tokens of a vocabulary, and the state of one text in it.
import { MoeqError } from '@moeq/tensors';
import { type Position, Recognizer } from './recognizer.js';
import type { Grammar } from './rule.js';
import { finished, inSlices } from './slices.js';
import { TokenMasks } from './token-masks.js';
import type { TokenTable } from './token-table.js';

/** Bytes of a position with what it remembers, estimated. */
const positionBytes = 3000;

/** A grammar with the tokens of a vocabulary: makes constraints for any number of texts. */
export class TokenGrammar {
  readonly #recognizer: Recognizer;
  readonly #table: TokenTable;
  readonly #masks: TokenMasks;

  constructor(grammar: Grammar, table: TokenTable) {
    this.#recognizer = new Recognizer(grammar);
    this.#table = table;
    this.#masks = new TokenMasks(this.#recognizer, table);
  }

  /** Memory that the grammar and what it remembers take, estimated; bounded to some 30 MB. */
  get bytes(): number {
    return this.#recognizer.grammar.bytes + this.#recognizer.size * positionBytes + this.#masks.bytes;
  }

  /** @param stopTokenIds allowed where the text may end, and nowhere else */
  constraint(stopTokenIds: readonly number[]): Constraint {
    return new Constraint(this, this.#recognizer.start, stopTokenIds);
  }

  /** One bit a token, 32 a word, low bits first. */
  mask(position: Position): Uint32Array {
    const known = this.#masks.known(position);
    if (known !== undefined) return known;
    return finished(this.#masks.compute(position));
  }

  /** Computes a mask in slices; null where it is known. */
  prepare(position: Position, pause: () => Promise<void>): Promise<void> | null {
    return this.#masks.known(position) === undefined ? this.#prepare(position, pause) : null;
  }

  async #prepare(position: Position, pause: () => Promise<void>): Promise<void> {
    await inSlices(this.#masks.compute(position), { pause });
  }

  /** The position behind a token; null where it is not allowed. */
  step(position: Position, tokenId: number): Position | null {
    const bytes = this.#table.bytes(tokenId);
    if (bytes === null) return null;
    let at: Position | null = position;
    for (const byte of bytes) at = at === null ? null : this.#recognizer.step(at, byte);
    return at;
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
   * Makes the next `mask` a matter of looking it up: computes it in slices.
   * @param pause lets others run
   * @returns null where there is nothing to do
   */
  prepare(pause: () => Promise<void>): Promise<void> | null {
    return this.#grammar.prepare(this.#position, pause);
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
    for (let from = 0; from < logits.length; from += 32) {
      const word = mask[from >>> 5] ?? 0;
      const to = Math.min(from + 32, logits.length);
      if (word === 0) logits.fill(-Infinity, from, to);
      else {
        for (let id = from; id < to; id += 1) {
          if (((word >>> (id & 31)) & 1) === 1) allowed += 1;
          else logits[id] = -Infinity;
        }
      }
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
