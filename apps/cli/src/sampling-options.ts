// How a text is drawn, as options of the command. What is not given follows the model's generation_config.json.
import type { GenerateOptions } from '@moeq/runtime';
import type { Command } from 'commander';
import { collect, number, wholeNumber } from './options.js';

export interface SamplingOptions {
  readonly tokens: number;
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
  readonly seed?: number;
  readonly stop?: readonly string[];
  readonly greedy?: true;
}

/** @param tokens the most that are written where the command line does not say */
export function withSamplingOptions(command: Command, tokens: number): Command {
  return command
    .option('-n, --tokens <count>', 'most tokens to write', wholeNumber({ min: 1 }), tokens)
    .option('--temperature <number>', 'above 1 wilder, below 1 tamer, 0 greedy', number({ min: 0, max: 100 }))
    .option('--top-k <count>', 'draw from the k likeliest tokens; 0 from all', wholeNumber({ min: 0 }))
    .option(
      '--top-p <share>',
      'draw from the likeliest that make up this share',
      number({ min: 0, max: 1, above: true }),
    )
    .option('--min-p <share>', 'drop tokens below this share of the likeliest', number({ min: 0, max: 1 }))
    .option('--repetition-penalty <factor>', 'above 1 avoids what was said', number({ min: 0, above: true }))
    .option('--seed <number>', 'the same seed draws the same text', wholeNumber({ min: 0, max: 2 ** 32 - 1 }))
    .option('--stop <text>', 'end before this text; may be repeated', collect)
    .option('--greedy', 'always the likeliest token');
}

/** The options of `Model.generate`; undefined where the model decides. */
export function samplingOf(options: SamplingOptions): GenerateOptions {
  const { tokens, temperature, topK, topP, minP, repetitionPenalty, seed, stop, greedy } = options;
  return {
    maxNewTokens: tokens,
    temperature: greedy === true ? 0 : temperature,
    topK,
    topP,
    minP,
    repetitionPenalty,
    seed,
    stopStrings: stop,
  };
}
