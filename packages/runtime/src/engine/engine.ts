// The contract of an engine: many texts over one model at once, each as it would be alone. A text is the same alone and in
// company wherever the backend computes a row of activations alike whatever rows stand beside it.

import type { Model } from '../model.js';
import type { GenerateOptions } from '../text/generate-options.js';
import type { FinishReason, GeneratedPiece } from '../text/generation.js';
import type { Prompt } from '../text/prompt.js';
import type { EngineStatistics } from './statistics.js';

export interface EngineOptions {
  /** Requests in the batch at most. Default 32. */
  readonly maxBatch?: number | undefined;
  /** Texts that may wait besides. Default 256. */
  readonly maxQueue?: number | undefined;
  /** Tokens of prompts in a step that other texts wait for: bounds the time between their tokens. Default 64. */
  readonly mixedPrefillChunk?: number | undefined;
  /** Count which experts the tokens go to; a GPU has to be read once a layer for it. Default true. */
  readonly expertLoads?: boolean | undefined;
  /** Hears of every step computed. */
  readonly onStep?: ((step: EngineStatistics['lastStep']) => void) | undefined;
  /** Hears when a text has waited `seconds` for its first token, … */
  readonly onFirstToken?: ((seconds: number) => void) | undefined;
  /** … for a later one, … */
  readonly onNextToken?: ((seconds: number) => void) | undefined;
  /** … and how it has ended. */
  readonly onEnd?: ((reason: FinishReason | 'error') => void) | undefined;
}

export interface EngineGenerateOptions extends GenerateOptions {
  /** Texts of one client share one turn in the queue. Default: one client for all. */
  readonly client?: string | undefined;
}

export interface Engine {
  readonly model: Model;
  /** Whether `texts` more can be submitted now. */
  hasRoom(texts?: number): boolean;
  /**
   * As `model.generate`, computed together with all other texts. The text is submitted when its first piece is asked for;
   * `signal`, and leaving the loop, end it at the next token. A reader that falls behind pauses its own text only.
   * @throws MoeqError at once for an option or prompt that is wrong; from the loop when the queue is full, the engine is
   *   closed, or the step fails
   */
  generate(prompt: Prompt, options?: EngineGenerateOptions): AsyncGenerator<GeneratedPiece, void, void>;
  /** A prompt as token ids, for several texts that begin with it. @throws MoeqError as `generate` */
  encode(prompt: Prompt): readonly number[];
  statistics(): EngineStatistics;
  /** Takes no new texts, and waits until all that it has have ended. */
  drain(): Promise<void>;
  /** Takes no new texts, and ends all that it has at the next token. The model stays. */
  close(): Promise<void>;
}
