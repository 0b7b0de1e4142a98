// The files of a checkpoint that turn text into tokens: tokenizer and chat template. Each may be absent.
import type { ModelSource, Tokenizer } from '@moeq/runtime';
import { readChatFormat } from './chat-template/template-files.js';
import type { FileSet } from './file-set.js';
import { inSet, MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, readJsonObject } from './json.js';
import { createTokenizer } from './tokenizer.js';

const TOKENIZER = 'tokenizer.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const SPECIAL_TOKENS = 'special_tokens_map.json';

export interface TextParts {
  readonly tokenizer: Tokenizer | null;
  readonly formatChat: ModelSource['formatChat'];
}

/** @throws MoeqError naming file, expected and found when one of the files is malformed */
export async function readTextParts(files: FileSet, vocabularySize: number): Promise<TextParts> {
  const tokenizer = await readJsonObject(files, TOKENIZER, MAX_TOKENIZER_BYTES);
  const config = (await readJsonObject(files, TOKENIZER_CONFIG, MAX_CONFIG_BYTES)) ?? {};
  const special = (await readJsonObject(files, SPECIAL_TOKENS, MAX_CONFIG_BYTES)) ?? {};
  return {
    tokenizer:
      tokenizer === null
        ? null
        : createTokenizer({ tokenizer, config, file: inSet(files, TOKENIZER) }, vocabularySize),
    formatChat: await readChatFormat(files, config, special),
  };
}
