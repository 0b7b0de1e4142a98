// generation_config.json: how a model's makers sample from it, and the tokens that end its texts.
// https://huggingface.co/docs/transformers/main_classes/text_generation, GenerationConfig.
import type { DecoderConfig, GenerationDefaults } from '@moeq/runtime';
import * as v from 'valibot';
import type { FileSet } from '../files/file-set.js';
import { inSet, MAX_CONFIG_BYTES, readJsonObject } from '../files/json.js';
import { parseConfig, positive } from './config.js';

const GENERATION = 'generation_config.json';

const bounded = (min: number, max: number) => {
  const expected =
    max === Number.MAX_SAFE_INTEGER ? `an integer from ${min}` : `a number from ${min} to ${max}`;
  return v.pipe(v.number(expected), v.minValue(min, expected), v.maxValue(max, expected));
};
const integer = (min: number) =>
  v.pipe(bounded(min, Number.MAX_SAFE_INTEGER), v.integer(`an integer from ${min}`));
const tokenId = integer(0);

const stopFields = v.object({
  eos_token_id: v.nullish(v.union([tokenId, v.array(tokenId)], 'a token id or a list of them')),
});

const generationFields = v.object({
  do_sample: v.nullish(v.boolean('true or false')),
  temperature: v.nullish(bounded(0, 1e6)),
  top_k: v.nullish(integer(0)),
  top_p: v.nullish(bounded(0, 1)),
  min_p: v.nullish(bounded(0, 1)),
  repetition_penalty: v.nullish(positive),
  max_new_tokens: v.nullish(integer(1)),
});

export interface GenerationParts {
  /** Below the size of the vocabulary. */
  readonly stopTokenIds: readonly number[];
  /** The ends that are left out, in a sentence; null where there are none. */
  readonly notice: string | null;
  readonly generation: GenerationDefaults;
}

/**
 * @param config config.json, whose eos_token_id counts where generation_config.json has none
 * @throws MoeqError for a field out of its bounds
 */
export async function readGeneration(
  files: FileSet,
  config: Readonly<Record<string, unknown>>,
  { vocabularySize }: DecoderConfig,
): Promise<GenerationParts> {
  const file = inSet(files, GENERATION);
  const json = (await readJsonObject(files, GENERATION, MAX_CONFIG_BYTES)) ?? {};
  const { eos_token_id: ownStop } = json;
  const [stopFile, stopConfig] = ownStop == null ? [inSet(files, 'config.json'), config] : [file, json];
  const ids = [parseConfig(stopFields, stopConfig, stopFile).eos_token_id ?? []].flat();
  const beyond = ids.filter((id) => id >= vocabularySize);
  const own = parseConfig(generationFields, json, file);
  return {
    stopTokenIds: ids.filter((id) => id < vocabularySize),
    // The model has no logit for such an id, so no text ends with it; transformers runs these models too.
    notice:
      beyond.length === 0
        ? null
        : `${stopFile}: eos_token_id ${beyond.join(', ')} is beyond the vocabulary of ${vocabularySize} and ends no text`,
    generation: {
      ...(own.do_sample != null && { greedy: !own.do_sample }),
      ...(own.temperature != null && { temperature: own.temperature }),
      ...(own.top_k != null && { topK: own.top_k }),
      ...(own.top_p != null && { topP: own.top_p }),
      ...(own.min_p != null && { minP: own.min_p }),
      ...(own.repetition_penalty != null && { repetitionPenalty: own.repetition_penalty }),
      ...(own.max_new_tokens != null && { maxNewTokens: own.max_new_tokens }),
    },
  };
}
