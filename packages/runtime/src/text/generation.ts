// One generation: takes the logits after its last token, chooses the next, and says what can be shown. It runs
// nothing itself; `generate` drives one, and a scheduler can drive many at once, with the same results.
import type { Sequence } from '../caches/sequence.js';
import type { Tokenizer } from '../model-source.js';
import { Sampler } from '../sampling/sampler.js';
import type { SamplingSettings } from '../sampling/sampling-settings.js';
import type { TokenConstraint } from '../sampling/token-constraint.js';
import { type TokenLogprobs, tokenLogprobs } from '../sampling/token-logprobs.js';
import { Detokenizer } from './detokenizer.js';
import { StopStrings } from './stop-strings.js';

/**
 * - `stop`: the model wrote a stop token, or a constrained text is complete.
 * - `length`: maxNewTokens or the end of the context was reached.
 * - `stopString`: one of stopStrings is complete.
 * - `aborted`: the signal.
 */
export type FinishReason = 'stop' | 'length' | 'stopString' | 'aborted';

/** One token, or the end. The texts of all pieces together are the text. */
export interface GeneratedPiece {
  /** May be empty: characters and possible stop strings wait until they are certain. */
  readonly text: string;
  /** null in the last piece, which stands for no token. */
  readonly tokenId: number | null;
  /** Where they were asked for, in pieces that stand for a token. */
  readonly logprobs?: TokenLogprobs;
  /** null in all pieces but the last. */
  readonly result: GenerationResult | null;
}

export interface GenerationResult {
  /** Without special tokens and stop string; empty where the model has no tokenizer. */
  readonly text: string;
  /** All that were chosen, the stop token included. */
  readonly tokenIds: readonly number[];
  readonly promptTokenIds: readonly number[];
  /** Tokens of the prompt whose keys and values another text had left in the cache; 0 outside an engine. */
  readonly reusedPromptTokens: number;
  readonly finishReason: FinishReason;
  /** Gives the same text again. */
  readonly seed: number;
  readonly timings: GenerationTimings;
}

/** Rates are 0 where nothing was measured. */
export interface GenerationTimings {
  /** Until the first token was chosen. */
  readonly prefillSeconds: number;
  readonly prefillTokensPerSecond: number;
  /** For all tokens after the first; waiting of the consumer is not counted. */
  readonly decodeSeconds: number;
  readonly decodeTokensPerSecond: number;
}

export interface GenerationSettings {
  readonly sampling: SamplingSettings;
  readonly stopTokenIds: ReadonlySet<number>;
  readonly stopStrings: readonly string[];
  /** At least 1. */
  readonly maxNewTokens: number;
  /** Alternatives that each token's log probabilities list; null: no log probabilities. */
  readonly logprobs: number | null;
  readonly constraint: TokenConstraint | null;
}

export class Generation {
  readonly #sequence: Sequence;
  readonly #settings: GenerationSettings;
  readonly #promptTokens: number;
  readonly #sampler: Sampler;
  readonly #detokenizer: Detokenizer | null;
  readonly #stops: StopStrings;
  #text = '';
  #finishReason: FinishReason | null = null;
  #reused = 0;
  readonly #seconds = { prefill: 0, decode: 0 };

  /** @param sequence holds the prompt and nothing else */
  constructor(sequence: Sequence, tokenizer: Tokenizer | null, settings: GenerationSettings) {
    this.#sequence = sequence;
    this.#settings = settings;
    this.#promptTokens = sequence.tokens.length;
    this.#sampler = new Sampler(settings.sampling, sequence.tokens);
    this.#detokenizer = tokenizer === null ? null : new Detokenizer(tokenizer, sequence.tokens);
    this.#stops = new StopStrings(settings.stopStrings);
  }

  /** null while there is more to write. */
  get finishReason(): FinishReason | null {
    return this.#finishReason;
  }

  get #generated(): number {
    return this.#sequence.tokens.length - this.#promptTokens;
  }

  /** What `accept` would take long for, in slices; null: nothing. @param pause lets others run */
  prepare(pause: () => Promise<void>): Promise<void> | null {
    return this.#finishReason === null ? (this.#settings.constraint?.prepare?.(pause) ?? null) : null;
  }

  /**
   * Chooses the next token and appends it to the sequence.
   * @param logits float32 [V] after the sequence's last token; overwritten
   * @throws MoeqError when they are not finite
   */
  accept(logits: Float32Array): GeneratedPiece {
    const { constraint, logprobs, stopTokenIds, maxNewTokens } = this.#settings;
    const raw = logprobs === null ? null : logits.slice();
    const tokenId = this.#sampler.next(logits, constraint);
    const piece = {
      tokenId,
      result: null,
      ...(raw !== null && { logprobs: tokenLogprobs(raw, tokenId, logprobs ?? 0) }),
    };
    this.#sequence.tokens.push(tokenId);
    if (stopTokenIds.has(tokenId)) {
      this.#finishReason = 'stop';
      return { text: '', ...piece };
    }
    constraint?.accept(tokenId);
    const text = this.#stops.push(this.#detokenizer?.push(tokenId) ?? '');
    this.#text += text;
    if (this.#stops.stopped) this.#finishReason = 'stopString';
    else if (constraint?.finished === true) this.#finishReason = 'stop';
    else if (this.#generated >= maxNewTokens) this.#finishReason = 'length';
    return { text, ...piece };
  }

  /** What the next token waits for: the prompt, or the token before it. */
  get phase(): 'prefill' | 'decode' {
    return this.#generated === 0 ? 'prefill' : 'decode';
  }

  /** Counts computing time of a phase. */
  addSeconds(phase: 'prefill' | 'decode', seconds: number): void {
    this.#seconds[phase] += seconds;
  }

  /** Counts tokens of the prompt that need not be computed. */
  addReused(tokens: number): void {
    this.#reused += tokens;
  }

  abort(): void {
    this.#finishReason ??= 'aborted';
  }

  /** The last piece: the text that was still held back, and the result. */
  end(): GeneratedPiece {
    const rest = this.#stops.push(this.#detokenizer?.flush() ?? '') + this.#stops.flush();
    this.#text += rest;
    return { text: rest, tokenId: null, result: this.#result() };
  }

  #result(): GenerationResult {
    const { prefill, decode } = this.#seconds;
    const prefilled = Math.min(this.#promptTokens, this.#sequence.cached);
    return {
      text: this.#text,
      tokenIds: this.#sequence.tokens.slice(this.#promptTokens),
      promptTokenIds: this.#sequence.tokens.slice(0, this.#promptTokens),
      reusedPromptTokens: Math.min(this.#reused, this.#promptTokens),
      finishReason: this.#finishReason ?? 'aborted',
      seed: this.#settings.sampling.seed,
      timings: {
        prefillSeconds: prefill,
        prefillTokensPerSecond: rate(prefilled, prefill),
        decodeSeconds: decode,
        decodeTokensPerSecond: rate(Math.max(0, this.#generated - 1), decode),
      },
    };
  }
}

function rate(count: number, seconds: number): number {
  return seconds > 0 ? count / seconds : 0;
}
