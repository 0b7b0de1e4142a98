// Options of one generation: sampling, where it ends, and the signal that ends it. Checked in full before anything runs.
import { checkOptions, checks, optionError } from '@moeq/tensors';
import type { ModelSource } from '../model-source.js';
import {
  generationDefaultsChecks,
  type SamplingOptions,
  samplingChecks,
  samplingSettings,
} from '../sampling/sampling-settings.js';
import type { TokenConstraint } from '../sampling/token-constraint.js';
import type { GenerationSettings } from './generation.js';

/** The most alternatives of a token: OpenAI's limit. */
const maxLogprobs = 20;

export interface GenerateOptions extends SamplingOptions {
  /** Default: the model's, else the rest of the context. Texts end with the context in any case. */
  readonly maxNewTokens?: number | undefined;
  /** Texts that end the text; they are not part of it. Default none. */
  readonly stopStrings?: readonly string[] | undefined;
  /** Tokens that end the text. Default: the model's; an empty list lets the text go on past them. */
  readonly stopTokenIds?: readonly number[] | undefined;
  /** Log probabilities of each token and of this many of the likeliest, 0 to 20; of the model itself, before sampling. */
  readonly logprobs?: number | undefined;
  /** Holds the text within a grammar. Serves one text. */
  readonly constraint?: TokenConstraint | undefined;
  /** Ends the text with finishReason `aborted` before the next step. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * @param room tokens that the context has left after the prompt
 * @throws MoeqError naming the option that is unknown or wrong
 */
export function generationSettings(
  options: GenerateOptions,
  source: ModelSource,
  room: number,
): GenerationSettings {
  const { vocabularySize } = source.config;
  const operation = 'generate';
  checkOptions(operation, options, {
    ...samplingChecks(vocabularySize),
    maxNewTokens: checks.integer({ min: 1 }),
    stopStrings: checks.listOf(checks.text),
    stopTokenIds: checks.listOf(checks.integer({ min: 0, max: vocabularySize - 1 })),
    logprobs: checks.integer({ min: 0, max: maxLogprobs }),
    constraint: checks.objectWith('a TokenConstraint', 'mask', 'accept'),
    signal: checks.signal,
  });
  checkOptions(`use the generation defaults of ${source.name}`, source.generation, generationDefaultsChecks);
  const stopStrings = options.stopStrings ?? [];
  if (stopStrings.length > 0 && source.tokenizer === null) {
    const found = `${source.name}, which has none`;
    throw (
      source.unreadableTokenizer ??
      optionError(operation, 'option stopStrings', 'a model with a tokenizer', found)
    );
  }
  return {
    sampling: samplingSettings(options, source.generation),
    stopTokenIds: new Set(options.stopTokenIds ?? source.stopTokenIds),
    stopStrings,
    maxNewTokens: Math.min(options.maxNewTokens ?? source.generation.maxNewTokens ?? room, room),
    logprobs: options.logprobs ?? null,
    constraint: options.constraint ?? null,
  };
}
