// generation_config.json: how a model's makers sample from it, and the tokens that end its texts. It stops nothing that runs
// without it: what is no setting of sampling here is left out, and one notice names it.
// https://huggingface.co/docs/transformers/main_classes/text_generation, GenerationConfig.
import type { DecoderConfig, GenerationDefaults } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import type { FileSet } from '../files/file-set.js';
import { inSet, maxConfigBytes, readJsonObject } from '../files/json.js';

const generationName = 'generation_config.json';

type Fields = Readonly<Record<string, unknown>>;

export interface GenerationParts {
  /** Below the size of the vocabulary. */
  readonly stopTokenIds: readonly number[];
  /** What is left out, a sentence for each file. */
  readonly notices: readonly string[];
  readonly generation: GenerationDefaults;
}

/** A value for the runtime; null: off, as it is without the field; undefined: none that it could have. */
type Read<Value> = (value: unknown) => Value | null | undefined;

const isNumber = (value: unknown): value is number => typeof value === 'number' && !Number.isNaN(value);

/** transformers lets everything count that Python takes for true. */
const truth: Read<boolean> = (value) =>
  typeof value === 'boolean' ? value : value === 0 || value === 1 ? value === 1 : undefined;

const temperature: Read<number> = (value) =>
  isNumber(value) && value >= 0 && value <= 1e6 ? value : undefined;

/** 0 and below: all tokens. */
const topK: Read<number> = (value) => {
  if (!Number.isSafeInteger(value)) return undefined;
  return Math.max(Number(value), 0);
};

/** 1 and above: all tokens. */
const topP: Read<number> = (value) => {
  if (!isNumber(value) || value < 0) return undefined;
  return value >= 1 ? null : value;
};

const share: Read<number> = (value) => (isNumber(value) && value >= 0 && value <= 1 ? value : undefined);

const penalty: Read<number> = (value) =>
  isNumber(value) && value > 0 && value < Infinity ? value : undefined;

const length: Read<number> = (value) =>
  Number.isSafeInteger(value) && Number(value) > 0 ? Number(value) : undefined;

/**
 * @param config config.json, whose eos_token_id counts where generation_config.json has none
 * @throws MoeqError only where a file cannot be read from its place at all
 */
export async function readGeneration(
  files: FileSet,
  config: Fields,
  { vocabularySize }: DecoderConfig,
): Promise<GenerationParts> {
  const file = inSet(files, generationName);
  const { json, unreadable } = await fieldsOf(files);
  const left: string[] = [];
  const take = <Value>(name: string, read: Read<Value>): Value | undefined => {
    const { [name]: value } = json;
    if (value == null) return undefined;
    const taken = read(value);
    if (taken === undefined) left.push(`${name} ${quote(value, 40)}`);
    return taken ?? undefined;
  };
  const [greedy, heat, k, p, least, repetition, most] = [
    take('do_sample', truth),
    take('temperature', temperature),
    take('top_k', topK),
    take('top_p', topP),
    take('min_p', share),
    take('repetition_penalty', penalty),
    take('max_new_tokens', length),
  ];
  const { eos_token_id: ownStop } = json;
  const [stopFile, stops] = ownStop == null ? [inSet(files, 'config.json'), config] : [file, json];
  const ends = endsOf(stops, vocabularySize);
  const notices = [
    ...(unreadable === null ? [] : [`${unreadable}; the file is left out`]),
    ...(left.length === 0 ? [] : [`${file}: ${left.join(', ')} cannot be used for sampling and is left out`]),
    ...(ends.beyond.length === 0
      ? []
      : [
          `${stopFile}: eos_token_id ${ends.beyond.join(', ')} is no token of the vocabulary of ${vocabularySize} and ends no text`,
        ]),
  ];
  return {
    stopTokenIds: ends.ids,
    notices,
    generation: {
      ...(greedy !== undefined && { greedy: !greedy }),
      ...(heat !== undefined && { temperature: heat }),
      ...(k !== undefined && { topK: k }),
      ...(p !== undefined && { topP: p }),
      ...(least !== undefined && { minP: least }),
      ...(repetition !== undefined && { repetitionPenalty: repetition }),
      ...(most !== undefined && { maxNewTokens: most }),
    },
  };
}

/** The file's fields; without any, and why, where it is no JSON object. */
async function fieldsOf(files: FileSet): Promise<{ json: Fields; unreadable: string | null }> {
  try {
    return { json: (await readJsonObject(files, generationName, maxConfigBytes)) ?? {}, unreadable: null };
  } catch (error) {
    // what cannot be reached is no fault of its content
    if (!(MoeqError.isInstance(error) && error.operation === 'read the file')) throw error;
    return { json: {}, unreadable: error.message };
  }
}

/** The model has no logit for an id beyond the vocabulary, so no text ends with it; transformers runs these models too. */
function endsOf(
  { eos_token_id: stop }: Fields,
  vocabularySize: number,
): { readonly ids: readonly number[]; readonly beyond: readonly string[] } {
  const all: readonly unknown[] = stop == null ? [] : [stop].flat();
  const isId = (id: unknown): id is number =>
    Number.isSafeInteger(id) && Number(id) >= 0 && Number(id) < vocabularySize;
  return {
    ids: all.filter(isId),
    beyond: all.filter((id) => !isId(id)).map((id) => (typeof id === 'number' ? String(id) : quote(id, 40))),
  };
}
