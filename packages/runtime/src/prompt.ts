// What people give as a prompt (text, token ids, a conversation) as token ids that are known to fit.
import { MoeqError } from '@moeq/tensors';
import type { ChatMessage, ChatOptions, ModelSource, Tokenizer } from './model-source.js';

export interface Conversation extends ChatOptions {
  readonly messages: readonly ChatMessage[];
}

/** Text, to which the tokenizer adds its own beginning; token ids; or a conversation for the chat template. */
export type Prompt = string | readonly number[] | Int32Array | Conversation;

/**
 * @throws MoeqError when the model has no tokenizer or chat template for it, when an id is outside the vocabulary, or when
 *   there are no tokens or more than `maxTokens`
 */
export function promptTokens(source: ModelSource, prompt: Prompt, maxTokens: number): number[] {
  const ids = tokenize(source, prompt);
  const { vocabularySize } = source.config;
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (wrong !== undefined)
    throw wrongPrompt(source, `token ids from 0 to ${vocabularySize - 1}`, String(wrong));
  if (ids.length === 0) throw wrongPrompt(source, 'at least one token', 'none');
  if (ids.length > maxTokens) {
    throw wrongPrompt(source, `at most ${maxTokens} tokens, by the context length`, String(ids.length));
  }
  return ids;
}

function tokenize(source: ModelSource, prompt: Prompt): number[] {
  if (typeof prompt === 'string') return tokenizerOf(source).encode(prompt, { addSpecialTokens: true });
  if (isConversation(prompt)) {
    if (source.formatChat === null)
      throw wrongPrompt(source, 'a checkpoint with a chat template', 'one without');
    // A chat template writes the special tokens itself.
    return tokenizerOf(source).encode(source.formatChat(prompt.messages, { tools: prompt.tools }), {
      addSpecialTokens: false,
    });
  }
  if (prompt instanceof Int32Array || Array.isArray(prompt)) return Array.from(prompt);
  throw wrongPrompt(source, 'text, a list of token ids, or { messages }', typeof prompt);
}

function isConversation(prompt: unknown): prompt is Conversation {
  return (
    typeof prompt === 'object' && prompt !== null && 'messages' in prompt && Array.isArray(prompt.messages)
  );
}

function tokenizerOf(source: ModelSource): Tokenizer {
  if (source.tokenizer === null) throw wrongPrompt(source, 'token ids, as there is no tokenizer', 'text');
  return source.tokenizer;
}

function wrongPrompt(source: ModelSource, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'read the prompt', subject: source.name, expected, found });
}
