// The files of a checkpoint that turn text into tokens: tokenizer and chat template. Each may be absent.
import type { ModelSource, Tokenizer } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import { chatFormatter } from './chat-template.js';
import type { FileSet } from './file-set.js';
import { inSet, isObject, MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, readJsonObject, readText } from './json.js';
import { createTokenizer } from './tokenizer.js';

const TOKENIZER = 'tokenizer.json';
const TOKENIZER_CONFIG = 'tokenizer_config.json';
const SPECIAL_TOKENS = 'special_tokens_map.json';
const TEMPLATE = 'chat_template.jinja';

export interface TextParts {
  readonly tokenizer: Tokenizer | null;
  readonly formatChat: ModelSource['formatChat'];
}

/** @throws MoeqError naming file, expected and found when one of the files is malformed */
export async function readTextParts(files: FileSet, vocabularySize: number): Promise<TextParts> {
  const tokenizer = await readJsonObject(files, TOKENIZER, MAX_TOKENIZER_BYTES);
  const config = (await readJsonObject(files, TOKENIZER_CONFIG, MAX_CONFIG_BYTES)) ?? {};
  const special = (await readJsonObject(files, SPECIAL_TOKENS, MAX_CONFIG_BYTES)) ?? {};
  const template = await chatTemplate(files, config);
  return {
    tokenizer:
      tokenizer === null
        ? null
        : createTokenizer({ tokenizer, config, file: inSet(files, TOKENIZER) }, vocabularySize),
    formatChat:
      template === null
        ? null
        : chatFormatter(template.text, specialTokens({ ...special, ...config }), template.file),
  };
}

/** A file of its own wins over the field, as in transformers; of several named templates the one called `default`. */
async function chatTemplate(
  files: FileSet,
  config: Readonly<Record<string, unknown>>,
): Promise<{ text: string; file: string } | null> {
  const own = await readText(files, TEMPLATE, MAX_CONFIG_BYTES);
  if (own !== null) return { text: own, file: inSet(files, TEMPLATE) };
  const { chat_template: field } = config;
  if (field === undefined || field === null) return null;
  const named: unknown = Array.isArray(field) ? field.find(isDefault) : field;
  const { template: text } = isObject(named) ? named : { template: named };
  const file = inSet(files, TOKENIZER_CONFIG);
  if (typeof text === 'string') return { text, file };
  throw new MoeqError({
    operation: 'read the chat template',
    subject: file,
    expected: 'chat_template to be a text, or a list with one named default',
    found: quote(field),
  });
}

function isDefault(entry: unknown): boolean {
  const { name } = isObject(entry) ? entry : { name: undefined };
  return name === 'default';
}

/** bos_token and its kind; a token stands as text, or as an object with its text as `content`. */
function specialTokens(config: Readonly<Record<string, unknown>>): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, value] of Object.entries(config)) {
    const { content } = isObject(value) ? value : { content: value };
    if (name.endsWith('_token') && typeof content === 'string') tokens[name] = content;
  }
  return tokens;
}
