// tokenizer.json behind the runtime's Tokenizer, through @huggingface/tokenizers. What the library takes on trust is
// checked first: ids within the model's vocabulary, merges of two tokens, regular expressions of bounded cost.
import type { Tokenizer } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import * as v from 'valibot';
import { explain } from './config.js';
import { HubTokenizer } from './huggingface.js';
import { isObject } from './json.js';
import { assertBoundedCost } from './pattern-cost.js';
import { tokenBytes } from './token-bytes.js';

const id = v.pipe(v.number(), v.safeInteger(), v.minValue(0));

/** Two tokens, as a list or as a text with one blank between them. */
const pair = v.union(
  [v.pipe(v.string(), v.regex(/^[^ ]+ [^ ]+$/, 'a pair of tokens')), v.strictTuple([v.string(), v.string()])],
  'a pair of tokens',
);

const tokenizerFile = v.looseObject({
  model: v.looseObject({
    type: v.nullish(v.picklist(['BPE', 'Unigram', 'WordPiece'])),
    vocab: v.union(
      [
        v.custom<Readonly<Record<string, unknown>>>((vocab) => isObject(vocab)),
        v.array(v.looseTuple([v.string(), v.number()])),
      ],
      'tokens with their ids, or a list of tokens with their scores',
    ),
    merges: v.nullish(v.array(pair)),
    unk_token: v.nullish(v.string()),
    continuing_subword_prefix: v.nullish(v.string()),
    end_of_word_suffix: v.nullish(v.string()),
  }),
  added_tokens: v.nullish(
    v.array(
      v.looseObject({ id, content: v.pipe(v.string(), v.minLength(1, 'a text of at least one character')) }),
    ),
  ),
});

/** What was read from tokenizer.json, tokenizer_config.json and their kind. */
export interface TokenizerFiles {
  /** tokenizer.json */
  readonly tokenizer: Readonly<Record<string, unknown>>;
  /** tokenizer_config.json, or an empty object */
  readonly config: Readonly<Record<string, unknown>>;
  /** Name of tokenizer.json, for messages. */
  readonly file: string;
}

/**
 * @param vocabularySize of the model; every id has to be below it
 * @throws MoeqError when the file has no model, ids out of range, malformed merges, an unknown part, or a regular
 *   expression that can take exponential time
 */
export function createTokenizer(files: TokenizerFiles, vocabularySize: number): Tokenizer {
  const { file } = files;
  const largest = assertTokenizer(files.tokenizer, file, vocabularySize);
  assertPatterns(files.tokenizer, file);
  const hub = attempt(file, () => construct(files));
  const bytes = tokenBytes(files.tokenizer);
  const tokenizer: Tokenizer = {
    vocabularySize: largest + 1,
    ...(bytes !== undefined && { tokenBytes: bytes }),
    encode(text, options = {}) {
      const { ids } = attempt(file, () =>
        hub.encode(text, { add_special_tokens: options.addSpecialTokens ?? true }),
      );
      const unknown = ids.some((value) => !(Number.isInteger(value) && value >= 0 && value <= largest));
      if (unknown) throw tokenizerError(file, 'a token for every text', `none for a part of ${quote(text)}`);
      return ids;
    },
    decode(ids, options = {}) {
      if (ids.length === 0) return '';
      const text = attempt(file, () =>
        hub.decode([...ids], { skip_special_tokens: options.skipSpecialTokens ?? false }),
      );
      if (typeof text !== 'string') throw tokenizerError(file, 'a decoder that gives text', typeof text);
      return text;
    },
  };
  tokenizer.decode([largest]);
  return tokenizer;
}

function construct({ tokenizer, config }: TokenizerFiles): HubTokenizer {
  // The library tidies spaces before punctuation unless told not to; transformers does so only where a file says it.
  const { clean_up_tokenization_spaces: tidy } = config;
  return new HubTokenizer(
    { added_tokens: [], ...tokenizer },
    { ...config, clean_up_tokenization_spaces: tidy === true },
  );
}

/** What the library makes of a malformed part shows only when it runs: any error of it is one about the file. */
function attempt<Result>(file: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    const found = cause instanceof Error ? cause.message : String(cause);
    throw tokenizerError(file, 'a tokenizer that @huggingface/tokenizers can run', quote(found, 120), cause);
  }
}

/** @returns the largest id */
function assertTokenizer(tokenizer: unknown, file: string, vocabularySize: number): number {
  const parsed = v.safeParse(tokenizerFile, tokenizer);
  if (!parsed.success) {
    const { expected, found } = explain(parsed.issues[0]);
    throw tokenizerError(file, expected, found);
  }
  const { model, added_tokens: added } = parsed.output;
  let largest = -1;
  const check = (token: string, value: unknown) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < vocabularySize) {
      if (value > largest) largest = value;
      return;
    }
    throw tokenizerError(
      file,
      `ids from 0 to ${vocabularySize - 1}, the model's vocabulary`,
      `${quote(value)} of token ${quote(token)}`,
    );
  };
  const entries = Array.isArray(model.vocab)
    ? model.vocab.map(([token], index) => [token, index] as const)
    : Object.entries(model.vocab);
  for (const [token, value] of entries) check(token, value);
  for (const { content, id: value } of added ?? []) check(content, value);
  if (largest === -1) throw tokenizerError(file, 'tokens', 'none');
  return largest;
}

/** Walks all of the file but the vocabulary: every pattern of a normalizer, pre-tokenizer or decoder. */
function assertPatterns(tokenizer: Readonly<Record<string, unknown>>, file: string): void {
  const visit = (value: unknown) => {
    if (!isObject(value) && !Array.isArray(value)) return;
    const { type, pattern } = isObject(value) ? value : {};
    if (pattern !== undefined || type === 'Split' || type === 'Replace') assertPattern(pattern, file);
    for (const part of Object.values(value)) visit(part);
  };
  for (const part of ['normalizer', 'pre_tokenizer', 'post_processor', 'decoder']) visit(tokenizer[part]);
}

function assertPattern(pattern: unknown, file: string): void {
  const { String: text, Regex: expression } = isObject(pattern) ? pattern : {};
  if (typeof expression === 'string') assertBoundedCost(expression, file);
  else if (typeof text !== 'string') {
    throw tokenizerError(file, 'a pattern with a text as String or Regex', quote(pattern));
  }
}

function tokenizerError(subject: string, expected: string, found: string, cause?: unknown): MoeqError {
  return new MoeqError({ operation: 'read the tokenizer', subject, expected, found, cause });
}
