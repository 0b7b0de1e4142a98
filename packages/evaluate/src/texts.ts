// Texts as token ids that are the same for all models under comparison.
import type { ModelSource } from '@moeq/runtime';
import { type ErrorCode, MoeqError } from '@moeq/tensors';

/** A text, tokenized whole with the beginning that the tokenizer adds; or its token ids, taken as they are. */
export type EvaluationText =
  | { readonly name: string; readonly text: string }
  | { readonly name: string; readonly ids: readonly number[] | Int32Array };

export interface TokenizedText {
  readonly name: string;
  readonly ids: Int32Array;
}

/**
 * @param sources models with or without tokenizers; the first that has one tokenizes, the others must agree
 * @param maxTokens of the text, from its beginning
 * @throws MoeqError where no model has a tokenizer, two disagree, an id is outside the vocabulary, or there are not two tokens
 */
export function tokenizeText(
  sources: readonly ModelSource[],
  text: EvaluationText,
  maxTokens = Number.POSITIVE_INFINITY,
): TokenizedText {
  const ids = Int32Array.from('ids' in text ? text.ids : tokenize(sources, text));
  const vocabularySize = sources[0]?.config.vocabularySize ?? 0;
  const wrong = ids.find((id) => id < 0 || id >= vocabularySize);
  if (wrong !== undefined)
    throw wrongText(text.name, `token ids from 0 to ${vocabularySize - 1}`, `${wrong}`);
  if (ids.length < 2) throw wrongText(text.name, 'a text of at least 2 tokens', `${ids.length}`);
  return { name: text.name, ids: ids.subarray(0, maxTokens) };
}

function tokenize(sources: readonly ModelSource[], { name, text }: { name: string; text: string }): number[] {
  const encoded = sources.flatMap(({ name: model, tokenizer }) =>
    tokenizer === null ? [] : [{ model, ids: tokenizer.encode(text, { addSpecialTokens: true }) }],
  );
  const [first, ...others] = encoded;
  if (first === undefined) {
    const [reason] = sources.flatMap(({ unreadableTokenizer: own }) => (own === undefined ? [] : [own]));
    throw reason ?? wrongText(name, 'token ids, as no model has a tokenizer', 'text', 'noTokenizer');
  }
  for (const { model, ids } of others) {
    const at = first.ids.findIndex((id, index) => id !== ids[index]);
    if (at < 0 && ids.length === first.ids.length) continue;
    const place = at < 0 ? first.ids.length : at;
    throw new MoeqError({
      operation: 'compare models',
      subject: `${first.model} and ${model}`,
      expected: `tokenizers that cut ${name} into the same tokens`,
      found: `token ${first.ids[place] ?? 'none'} and ${ids[place] ?? 'none'} at place ${place}`,
    });
  }
  return first.ids;
}

function wrongText(subject: string, expected: string, found: string, code?: ErrorCode): MoeqError {
  return new MoeqError({ operation: 'evaluate', subject, expected, found, code });
}
