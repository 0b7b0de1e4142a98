// The files of a checkpoint that turn text into tokens: tokenizer and chat template. Each may be absent.
import type { ModelSource } from '@moeq/runtime';
import { HttpError, MoeqError } from '@moeq/tensors';
import { type ChatFormat, readChatFormat } from '../chat-template/template-files.js';
import { createTokenizer, type FileTokenizer } from '../tokenizer/create-tokenizer.js';
import type { FileSet } from './file-set.js';
import { inSet, maxConfigBytes, maxTokenizerBytes, readJsonObject } from './json.js';

const tokenizerName = 'tokenizer.json';
const tokenizerConfigName = 'tokenizer_config.json';
const specialTokensName = 'special_tokens_map.json';
const addedTokensName = 'added_tokens.json';

export interface TextParts {
  readonly tokenizer: FileTokenizer | null;
  /** Throws where there is a template that cannot be read. */
  readonly formatChat: ModelSource['formatChat'];
  /** Names of variables that chat templates mention; null where there is none that can be read. */
  templateNames(): ReadonlySet<string> | null;
  /** Why there is no tokenizer although there is a tokenizer.json. */
  readonly unreadableTokenizer?: MoeqError;
}

/**
 * A tokenizer or template that cannot be read stops what needs it: token ids need neither.
 * @throws HttpError where a server does not give a file
 */
export async function readTextParts(files: FileSet, vocabularySize: number): Promise<TextParts> {
  const tokenizer = await attempt(() => readTokenizer(files, vocabularySize));
  const chat = await attempt(() => readTemplate(files));
  return {
    ...(MoeqError.isInstance(tokenizer)
      ? { tokenizer: null, unreadableTokenizer: withoutTokenizer(tokenizer) }
      : { tokenizer }),
    ...(MoeqError.isInstance(chat)
      ? { formatChat: failing(chat), templateNames: () => null }
      : { formatChat: chat?.format ?? null, templateNames: () => chat?.names() ?? null }),
  };
}

/** What is read, or why it cannot be. */
async function attempt<Value>(read: () => Promise<Value | null>): Promise<Value | MoeqError | null> {
  try {
    return await read();
  } catch (error) {
    if (!MoeqError.isInstance(error) || HttpError.isInstance(error)) throw error;
    return error;
  }
}

/** The same error, with the code of a model that has no tokenizer. */
function withoutTokenizer(reason: MoeqError): MoeqError {
  return new MoeqError({ ...reason.facts, code: 'noTokenizer', cause: reason });
}

function failing(reason: MoeqError): () => never {
  return () => {
    throw reason;
  };
}

async function readTokenizer(files: FileSet, vocabularySize: number): Promise<FileTokenizer | null> {
  const tokenizer = await readJsonObject(files, tokenizerName, maxTokenizerBytes);
  if (tokenizer === null) return null;
  const tokenizerConfig = await readJsonObject(files, tokenizerConfigName, maxConfigBytes);
  const isWhole = tokenizerConfig !== null && Object.hasOwn(tokenizerConfig, 'added_tokens_decoder');
  const beside = (name: string, limit: number) => (isWhole ? null : readJsonObject(files, name, limit));
  return createTokenizer(
    {
      tokenizer,
      tokenizerConfig,
      specialTokensMap: await beside(specialTokensName, maxConfigBytes),
      addedTokens: await beside(addedTokensName, maxTokenizerBytes),
      file: inSet(files, tokenizerName),
    },
    vocabularySize,
  );
}

async function readTemplate(files: FileSet): Promise<ChatFormat | null> {
  const config = (await readJsonObject(files, tokenizerConfigName, maxConfigBytes)) ?? {};
  const special = (await readJsonObject(files, specialTokensName, maxConfigBytes)) ?? {};
  return readChatFormat(files, config, special);
}
