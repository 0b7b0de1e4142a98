// What people give as a prompt (text, token ids, a conversation) as token ids that are known to fit.
import { counted, type ErrorCode, isMoeqError, MoeqError } from '@moeq/tensors';
import type { DecoderConfig } from '../decoder/config.js';
import type { ChatMessage, ChatOptions, ModelSource, Tokenizer } from '../model-source.js';

export interface Conversation extends ChatOptions {
  readonly messages: readonly ChatMessage[];
}

/** Text, to which the tokenizer adds its own beginning; token ids; or a conversation for the chat template. */
export type Prompt = string | readonly number[] | Int32Array | Conversation;

/** What a prompt is read with. */
export interface PromptSource
  extends Pick<ModelSource, 'name' | 'tokenizer' | 'formatChat' | 'unreadableTokenizer'> {
  readonly config: Pick<DecoderConfig, 'vocabularySize'>;
}

/**
 * @throws MoeqError `wrongPrompt` when the model has no tokenizer or chat template for it, when an id is outside the
 *   vocabulary, or when there are no tokens; `contextLength` when there are more than `maxTokens`
 */
export function promptTokens(source: PromptSource, prompt: Prompt, maxTokens: number): number[] {
  const ids = tokenize(source, prompt, maxTokens);
  const { vocabularySize } = source.config;
  const wrong = ids.find((id) => !Number.isInteger(id) || id < 0 || id >= vocabularySize);
  if (wrong !== undefined)
    throw wrongPrompt(source, `token ids from 0 to ${vocabularySize - 1}`, String(wrong));
  if (ids.length === 0) throw wrongPrompt(source, 'at least one token', 'none');
  if (ids.length > maxTokens) {
    throw tooLong(source, maxTokens, String(ids.length));
  }
  return ids;
}

/** Characters of a text that a normalizer may make one of, at the most: room for what it drops. */
const normalizedAway = 4;

/** A text that cannot fit, however long its tokens are, is refused before it costs the time to read it. */
function encode(source: PromptSource, text: string, maxTokens: number, addSpecialTokens: boolean): number[] {
  const tokenizer = tokenizerOf(source);
  const most = maxTokens * longestToken(tokenizer) * normalizedAway;
  if (text.length > most) {
    throw tooLong(source, maxTokens, counted(text.length, 'character'));
  }
  return tokenizer.encode(text, { addSpecialTokens });
}

const longest = new WeakMap<Tokenizer, number>();

/** Bytes of the longest token; Infinity where the tokenizer does not tell. */
function longestToken(tokenizer: Tokenizer): number {
  const known = longest.get(tokenizer);
  if (known !== undefined) return known;
  let most = tokenizer.tokenBytes === undefined ? Infinity : 1;
  for (let id = 0; id < tokenizer.vocabularySize && most < Infinity; id += 1)
    most = Math.max(most, tokenizer.tokenBytes?.(id)?.length ?? 0);
  longest.set(tokenizer, most);
  return most;
}

function tokenize(source: PromptSource, prompt: Prompt, maxTokens: number): number[] {
  if (typeof prompt === 'string') return encode(source, prompt, maxTokens, true);
  if (isConversation(prompt)) {
    const { messages, ...options } = prompt;
    // A chat template writes the special tokens itself.
    return encode(source, formatChatOf(source)(messages, options), maxTokens, false);
  }
  if (prompt instanceof Int32Array || Array.isArray(prompt)) return Array.from(prompt);
  throw wrongPrompt(source, 'text, a list of token ids, or { messages }', typeof prompt);
}

function isConversation(prompt: unknown): prompt is Conversation {
  return (
    typeof prompt === 'object' && prompt !== null && 'messages' in prompt && Array.isArray(prompt.messages)
  );
}

function tokenizerOf(source: PromptSource): Tokenizer {
  const { tokenizer, unreadableTokenizer: reason } = source;
  if (tokenizer !== null) return tokenizer;
  throw reason ?? wrongPrompt(source, 'token ids, as there is no tokenizer', 'text', 'noTokenizer');
}

function formatChatOf(source: PromptSource): NonNullable<ModelSource['formatChat']> {
  const { formatChat } = source;
  if (formatChat !== null) return formatChat;
  throw wrongPrompt(source, 'a checkpoint with a chat template', 'one without', 'noChatTemplate');
}

/**
 * What a prompt of a kind needs, known before any weight is read.
 * @throws MoeqError when there is no tokenizer, or for messages no chat template, or when it cannot be read
 */
export function assertTakes(source: PromptSource, kind: 'text' | 'messages'): void {
  tokenizerOf(source);
  if (kind === 'text') return;
  try {
    formatChatOf(source)([{ role: 'user', content: '' }]);
  } catch (error) {
    // A template that can be read may refuse these messages and take others.
    if (!isMoeqError(error, 'templateFailed')) throw error;
  }
}

function wrongPrompt(
  source: PromptSource,
  expected: string,
  found: string,
  code: ErrorCode = 'wrongPrompt',
): MoeqError {
  return new MoeqError({ operation: 'read the prompt', subject: source.name, expected, found, code });
}

function tooLong(source: PromptSource, maxTokens: number, found: string): MoeqError {
  return wrongPrompt(
    source,
    `at most ${counted(maxTokens, 'token')}, by the context length`,
    found,
    'contextLength',
  );
}
