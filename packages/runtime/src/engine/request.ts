// One request to an engine, from its prompt to its last piece: its sequence, its sampling, and the pieces that its reader
// has not taken yet.

import type { Sequence } from '../caches/sequence.js';
import type { Tokenizer } from '../model-source.js';
import { type GeneratedPiece, Generation, type GenerationSettings } from '../text/generation.js';

/** Pieces that wait for a reader before its request pauses: enough to hide short delays, too few to take memory. */
const maxUnread = 64;

export interface EngineRequestOptions {
  readonly client: string;
  readonly sequence: Sequence;
  readonly tokenizer: Tokenizer | null;
  readonly settings: GenerationSettings;
}

export class EngineRequest {
  readonly client: string;
  readonly sequence: Sequence;
  readonly generation: Generation;
  /** performance.now() when it was submitted, then when its last token came. */
  #since = performance.now();
  #hasToken = false;
  readonly #pieces: GeneratedPiece[] = [];
  #ended = false;
  #failure: { readonly error: unknown } | null = null;
  #wake: () => void = () => undefined;

  constructor({ client, sequence, tokenizer, settings }: EngineRequestOptions) {
    this.client = client;
    this.sequence = sequence;
    this.generation = new Generation(sequence, tokenizer, settings);
  }

  /** The last piece or an error is there; nothing more comes. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The reader has to take pieces before more are generated. */
  get full(): boolean {
    return this.#pieces.length >= maxUnread;
  }

  /** Enough have been taken for it to go on. */
  get caughtUp(): boolean {
    return this.#pieces.length <= maxUnread / 2;
  }

  push(piece: GeneratedPiece): void {
    this.#pieces.push(piece);
    this.#wake();
  }

  /** A token has come. @returns how long it was waited for, and whether it is the first */
  clock(): { readonly first: boolean; readonly seconds: number } {
    const now = performance.now();
    const waited = { first: !this.#hasToken, seconds: (now - this.#since) / 1000 };
    this.#since = now;
    this.#hasToken = true;
    return waited;
  }

  /** The last piece. */
  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.push(this.generation.end());
  }

  /** The reader gets the pieces that are there, then the error. */
  fail(error: unknown): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#failure = { error };
    this.#wake();
  }

  /** The next piece; one reader at a time. */
  async next(): Promise<GeneratedPiece> {
    for (;;) {
      const piece = this.#pieces.shift();
      if (piece !== undefined) return piece;
      if (this.#failure !== null) throw this.#failure.error;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
