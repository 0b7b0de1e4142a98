// A model in memory: weights and caches in a backend, ready to generate.
import type { Backend } from '@moeq/kernels';
import { checkOptions, checks, MoeqError } from '@moeq/tensors';
import type { CachePool } from './caches/cache-pool.js';
import { Sequence } from './caches/sequence.js';
import type { DecoderConfig } from './decoder/config.js';
import type { GenerationDefaults, ModelSource, Tokenizer } from './model-source.js';
import type { LengthRotation } from './rotation/rope-frequencies.js';
import type { RevivableExecutor } from './run/revive.js';
import { isLost } from './run/run-batch.js';
import { type SequenceLogits, sequenceLogits } from './run/sequence-logits.js';
import { warmUp } from './run/warm-up.js';
import { generate } from './text/generate.js';
import { type GenerateOptions, generationSettings } from './text/generate-options.js';
import type { GeneratedPiece, GenerationResult } from './text/generation.js';
import { type Prompt, promptTokens } from './text/prompt.js';

export interface Model {
  readonly name: string;
  readonly config: DecoderConfig;
  readonly backend: Backend;
  readonly tokenizer: Tokenizer | null;
  /** Tokens that end a generation. */
  readonly stopTokenIds: readonly number[];
  /** What its checkpoint says about sampling, where it says anything. */
  readonly generation: GenerationDefaults;
  /** Tokens of prompt and generated tokens together. */
  readonly contextLength: number;
  /** Bytes in the backend's memory. */
  readonly memory: { readonly weightBytes: number; readonly kvCacheBytes: number };
  /**
   * Writes on from a prompt: `for await (const piece of model.generate(prompt)) …`. The last piece holds the result.
   * Leaving the loop ends the generation and frees its memory. Several can run at once.
   * @throws MoeqError at once for an option or prompt that is wrong or too long; from the loop when the KV cache is full,
   *   the model computes NaN, the model was closed, or the backend has lost it with its device; the next call loads it again
   */
  generate(prompt: Prompt, options?: GenerateOptions): AsyncGenerator<GeneratedPiece, void, void>;
  /** The result of `generate` without its pieces. */
  complete(prompt: Prompt, options?: GenerateOptions): Promise<GenerationResult>;
  /**
   * Logits after each token of one sequence, and on demand the experts of each token.
   * @throws MoeqError as `generate`; the signal's reason when it aborts
   */
  logits(prompt: Prompt, options?: LogitsOptions): Promise<SequenceLogits>;
  /**
   * Compiles, on a backend that compiles at run time, what reading a prompt and writing a text need, so that the first of
   * them does not wait for it.
   * @param onProgress programs ready, and how many there are: the prompt's, then what else a token needs
   */
  warmUp(onProgress?: (ready: number, total: number) => void): Promise<void>;
  /** Frees weights and caches after the step that is running; the backend stays. Generations that run end with an error. */
  close(): Promise<void>;
}

export interface LogitsOptions {
  /** Default false. */
  readonly routings?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface LoadedModelParts {
  readonly source: ModelSource;
  readonly executor: RevivableExecutor;
  readonly pool: CachePool;
  readonly contextLength: number;
  readonly prefillChunk: number;
  /** Of sequences longer than the original length, where it depends on the length. */
  readonly rotation: LengthRotation | null;
}

export class LoadedModel implements Model {
  readonly #parts: LoadedModelParts;

  constructor(parts: LoadedModelParts) {
    this.#parts = parts;
  }

  /** What a model is made of. @throws MoeqError for a model that createModel did not make */
  static parts(model: Model): LoadedModelParts {
    if (#parts in model) return model.#parts;
    throw new MoeqError({
      operation: 'use a model',
      subject: model.name,
      expected: 'one that createModel made',
      found: 'another',
    });
  }

  get name(): string {
    return this.#parts.source.name;
  }

  get config(): DecoderConfig {
    return this.#parts.source.config;
  }

  get backend(): Backend {
    return this.#parts.executor.backend;
  }

  get tokenizer(): Tokenizer | null {
    return this.#parts.source.tokenizer;
  }

  get stopTokenIds(): readonly number[] {
    return this.#parts.source.stopTokenIds;
  }

  get generation(): GenerationDefaults {
    return this.#parts.source.generation;
  }

  get contextLength(): number {
    return this.#parts.contextLength;
  }

  get memory(): Model['memory'] {
    const { weightBytes, caches } = this.#parts.executor;
    return { weightBytes, kvCacheBytes: caches.bytes };
  }

  generate(prompt: Prompt, options: GenerateOptions = {}): AsyncGenerator<GeneratedPiece, void, void> {
    const { source, executor, prefillChunk, contextLength } = this.#parts;
    const sequence = this.#sequence(prompt, contextLength - 1);
    const settings = generationSettings(options, source, contextLength - sequence.tokens.length);
    return generate(
      { executor, tokenizer: source.tokenizer, prefillChunk },
      sequence,
      settings,
      options.signal,
    );
  }

  async complete(prompt: Prompt, options: GenerateOptions = {}): Promise<GenerationResult> {
    for await (const { result } of this.generate(prompt, options)) if (result !== null) return result;
    throw new Error('a text ended without its last piece');
  }

  async logits(prompt: Prompt, options: LogitsOptions = {}): Promise<SequenceLogits> {
    checkOptions('compute logits', options, { routings: checks.flag, signal: checks.signal });
    const { executor, prefillChunk: chunk, contextLength } = this.#parts;
    const sequence = this.#sequence(prompt, contextLength);
    try {
      return await sequenceLogits(executor, sequence, {
        chunk,
        routings: options.routings ?? false,
        signal: options.signal,
      });
    } finally {
      sequence.release();
    }
  }

  async warmUp(onProgress?: (ready: number, total: number) => void): Promise<void> {
    const { executor, prefillChunk, contextLength } = this.#parts;
    await warmUp(executor, Math.min(prefillChunk, contextLength), onProgress);
  }

  async close(): Promise<void> {
    const { executor } = this.#parts;
    if (executor.closed) return;
    executor.closed = true;
    if (isLost(executor)) return;
    // Steps asked for before have ended when this one has; those asked for later refuse to run.
    await executor.backend.step(async () => undefined);
    executor.release();
  }

  #sequence(prompt: Prompt, maxTokens: number): Sequence {
    const { source, pool, rotation } = this.#parts;
    return new Sequence(promptTokens(source, prompt, maxTokens), pool, rotation);
  }
}
