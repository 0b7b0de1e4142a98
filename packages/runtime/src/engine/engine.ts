// The contract of an engine: many requests over one model at once. Each gets the same result as alone wherever the backend
// computes a row of activations alike whatever other rows the step has.
import type { Model } from '../model.js';
import type { GenerateOptions } from '../text/generate-options.js';
import type { FinishReason, GeneratedPiece } from '../text/generation.js';
import type { Prompt } from '../text/prompt.js';
import type { EngineStatistics } from './statistics.js';

export interface EngineOptions {
  /** Requests in the batch at most. Default 32. */
  readonly maxBatch?: number | undefined;
  /** Requests in the queue at most. Default 256. */
  readonly maxQueue?: number | undefined;
  /** Prompt tokens of a step in which other requests decode: bounds the time between their tokens. Default 64. */
  readonly mixedPrefillChunk?: number | undefined;
  /** Count which experts the tokens go to; a GPU has to be read once a layer for it. Default true. */
  readonly expertLoads?: boolean | undefined;
  /** Called after every step. */
  readonly onStep?: ((step: EngineStatistics['lastStep']) => void) | undefined;
  /** Called with the seconds from the submission of a request to its first token. */
  readonly onFirstToken?: ((seconds: number) => void) | undefined;
  /** Called with the seconds from a token of a request to the next one. */
  readonly onNextToken?: ((seconds: number) => void) | undefined;
  /** Called when a request has ended. */
  readonly onEnd?: ((reason: FinishReason | 'error') => void) | undefined;
}

export interface EngineGenerateOptions extends GenerateOptions {
  /** The queue is fair between clients, not between their requests. Default: one client for all. */
  readonly client?: string | undefined;
}

export interface Engine {
  readonly model: Model;
  /** Whether `requests` more, 1 unless given, can be submitted now. */
  hasRoom(requests?: number): boolean;
  /**
   * As `model.generate`, in a batch with all other requests. The request is submitted when its first piece is asked for;
   * `signal`, and leaving the loop, end it at the next token. A slow reader pauses its own request only.
   * @throws MoeqError at once for an option or prompt that is wrong; from the loop when the queue is full, the engine is
   *   closed, or the step fails
   */
  generate(prompt: Prompt, options?: EngineGenerateOptions): AsyncGenerator<GeneratedPiece, void, void>;
  /** A prompt as token ids, for several requests that begin with it. @throws MoeqError as `generate` */
  encode(prompt: Prompt): readonly number[];
  statistics(): EngineStatistics;
  /** Refuses new requests, and waits until all earlier ones have ended. */
  drain(): Promise<void>;
  /** Refuses new requests, and ends all earlier ones at the next token. The model stays. */
  close(): Promise<void>;
}
