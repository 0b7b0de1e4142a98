// How the next token is chosen: the options people give, the checks they pass, and the settings that come of them
// together with the defaults of the model's generation_config.
import { checks, type OptionChecks } from '@moeq/tensors';
import type { GenerationDefaults } from '../model-source.js';
import { freshSeed } from './random.js';

export interface SamplingOptions {
  /** 0: always the most likely token (greedy). Below 1 sharpens, above 1 flattens. Default: the model's, else 1. */
  readonly temperature?: number | undefined;
  /** Keep the k most likely tokens; 0: all. Default: the model's, else 0. */
  readonly topK?: number | undefined;
  /** Keep the most likely tokens that together reach this probability; 1: all. Default: the model's, else 1. */
  readonly topP?: number | undefined;
  /** Keep tokens with at least this share of the best one's probability; 0: all. Default: the model's, else 0. */
  readonly minP?: number | undefined;
  /** Divides positive and multiplies negative logits of tokens in prompt or text (CTRL); 1: off. Default: the model's, else 1. */
  readonly repetitionPenalty?: number | undefined;
  /** Subtracted from the logits of tokens that were generated. Default 0. */
  readonly presencePenalty?: number | undefined;
  /** Subtracted from a token's logit for each time that it was generated. Default 0. */
  readonly frequencyPenalty?: number | undefined;
  /** Added to the logits of token ids before all else; -Infinity forbids a token. */
  readonly logitBias?: Readonly<Record<number, number>> | undefined;
  /** Same seed, same text. Default: a fresh one, which the result names. Integer from 0 to 2^53 - 1. */
  readonly seed?: number | undefined;
  /** Which of several texts of one seed: each has random numbers of its own. Default 0, below 2^32. */
  readonly stream?: number | undefined;
}

export interface SamplingSettings {
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly minP: number;
  readonly repetitionPenalty: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
  readonly logitBias: ReadonlyMap<number, number>;
  readonly seed: number;
  readonly stream: number;
}

/** @param vocabularySize ids of a logit bias are below it */
export function samplingChecks(vocabularySize: number): OptionChecks<SamplingOptions> {
  return {
    temperature: checks.number({ min: 0 }),
    topK: checks.integer({ min: 0 }),
    topP: checks.number({ min: 0, max: 1 }),
    minP: checks.number({ min: 0, max: 1 }),
    repetitionPenalty: checks.number({ above: 0 }),
    presencePenalty: checks.number(),
    frequencyPenalty: checks.number(),
    logitBias: {
      expected: `token ids below ${vocabularySize} with finite numbers or -Infinity`,
      holds: (value) =>
        typeof value === 'object' &&
        value !== null &&
        !Array.isArray(value) &&
        Object.entries(value).every(
          ([id, bias]) =>
            /^\d+$/.test(id) &&
            Number(id) < vocabularySize &&
            typeof bias === 'number' &&
            !Number.isNaN(bias) &&
            bias !== Infinity,
        ),
    },
    seed: checks.integer({ min: 0 }),
    stream: checks.integer({ min: 0, max: 2 ** 32 - 1 }),
  };
}

/** @param options checked already */
export function samplingSettings(options: SamplingOptions, defaults: GenerationDefaults): SamplingSettings {
  return {
    temperature: options.temperature ?? (defaults.greedy === true ? 0 : (defaults.temperature ?? 1)),
    topK: options.topK ?? defaults.topK ?? 0,
    topP: options.topP ?? defaults.topP ?? 1,
    minP: options.minP ?? defaults.minP ?? 0,
    repetitionPenalty: options.repetitionPenalty ?? defaults.repetitionPenalty ?? 1,
    presencePenalty: options.presencePenalty ?? 0,
    frequencyPenalty: options.frequencyPenalty ?? 0,
    logitBias: new Map(Object.entries(options.logitBias ?? {}).map(([id, bias]) => [Number(id), bias])),
    seed: options.seed ?? freshSeed(),
    stream: options.stream ?? 0,
  };
}

/** Checks of the fields of GenerationDefaults, which come from a file. */
export const generationDefaultsChecks: OptionChecks<GenerationDefaults> = {
  temperature: checks.number({ min: 0 }),
  topK: checks.integer({ min: 0 }),
  topP: checks.number({ min: 0, max: 1 }),
  minP: checks.number({ min: 0, max: 1 }),
  repetitionPenalty: checks.number({ above: 0 }),
  maxNewTokens: checks.integer({ min: 1 }),
  greedy: checks.flag,
};
