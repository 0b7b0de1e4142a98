// The files of a tokenizer as the `tokenizer.*` keys of a GGUF file. What llama.cpp cannot do (another pre-tokenizer, another
// model than byte-pair encoding) is refused.
import { type GgufValue, isObject, MoeqError, quote } from '@moeq/tensors';
import type { FileSet } from '../files/file-set.js';
import { inSet, maxConfigBytes, maxTokenizerBytes, readJsonObject, readText } from '../files/json.js';
import { gpt2Pattern, preTokenizers } from './pre-tokenizers.js';
import { scoresOf } from './sentencepiece.js';
import { tokenTypes } from './tokenizer-metadata.js';

/** The fields of the files' objects that are looked at here. */
type Fields = {
  readonly [Name in
    | 'model'
    | 'type'
    | 'vocab'
    | 'merges'
    | 'byte_fallback'
    | 'added_tokens'
    | 'content'
    | 'id'
    | 'special'
    | 'normalizer'
    | 'pre_tokenizer'
    | 'pretokenizers'
    | 'pattern'
    | 'Regex'
    | 'String'
    | 'use_regex'
    | 'individual_digits'
    | 'post_processor'
    | 'processors'
    | 'single'
    | 'add_bos_token'
    | 'add_eos_token'
    | 'chat_template']?: unknown;
};

const fieldsOf = (value: unknown): Fields => (isObject(value) ? value : {});
const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

/**
 * Keys for the tokenizer, special tokens and chat template among a checkpoint's files; `tokenizer.ggml.model` `none` where
 * there is no tokenizer.json.
 * @throws MoeqError naming what llama.cpp has no name for
 */
export async function tokenizerMetadata(
  files: FileSet,
  vocabularySize: number,
): Promise<Map<string, GgufValue>> {
  const metadata = new Map<string, GgufValue>();
  const set = (key: string, value: GgufValue) => metadata.set(`tokenizer.${key}`, value);
  const json = await readJsonObject(files, 'tokenizer.json', maxTokenizerBytes);
  if (json === null) return set('ggml.model', { type: 'string', value: 'none' });
  const named = (await readJsonObject(files, 'special_tokens_map.json', maxConfigBytes)) ?? {};
  const config = (await readJsonObject(files, 'tokenizer_config.json', maxConfigBytes)) ?? {};
  const file = inSet(files, 'tokenizer.json');
  const tokenizer = fieldsOf(json);
  const model = fieldsOf(tokenizer.model);
  if (model.type !== undefined && model.type !== 'BPE')
    throw refusal(file, 'a model of type BPE', model.type);
  const { tokens, types, ids } = vocabularyOf(tokenizer, vocabularySize);
  const merges = mergesIn(model);
  const special = specialIds({ ...named, ...config }, ids);
  const isPiece = model.byte_fallback === true;
  set('ggml.model', { type: 'string', value: isPiece ? 'llama' : 'gpt2' });
  if (isPiece) {
    markBytes(tokens, types, special.get('unknown'));
    set('ggml.scores', { type: 'array', of: 'f32', value: scoresOf(tokens, merges) });
    if (!prependsBlank(tokenizer)) set('ggml.add_space_prefix', { type: 'bool', value: false });
  } else {
    set('ggml.pre', { type: 'string', value: preTokenizerOf(tokenizer, file) });
    set('ggml.merges', { type: 'array', of: 'string', value: merges.map((pair) => pair.join(' ')) });
  }
  set('ggml.tokens', { type: 'array', of: 'string', value: tokens });
  set('ggml.token_type', { type: 'array', of: 'i32', value: types });
  for (const [name, id] of special) set(`ggml.${name}_token_id`, { type: 'u32', value: id });
  const { add_bos_token: addBos, add_eos_token: addEos, chat_template: own } = fieldsOf(config);
  const begins = special.has('bos') && (beginsWithToken(tokenizer) ?? addBos === true);
  set('ggml.add_bos_token', { type: 'bool', value: begins });
  set('ggml.add_eos_token', { type: 'bool', value: addEos === true });
  const template = (await readText(files, 'chat_template.jinja', maxConfigBytes)) ?? own;
  if (typeof template === 'string') set('chat_template', { type: 'string', value: template });
  return metadata;
}

interface Vocabulary {
  readonly tokens: string[];
  readonly types: Int32Array;
  readonly ids: ReadonlyMap<string, number>;
}

/** Tokens by id; ids that have none get a name that no text has. */
function vocabularyOf({ model, added_tokens: added }: Fields, size: number): Vocabulary {
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(size).fill(tokenTypes.unused);
  const ids = new Map<string, number>();
  const add = (token: string, id: unknown, type: number) => {
    if (typeof id !== 'number' || !(id >= 0 && id < size)) return;
    tokens[id] = token;
    types[id] = type;
    ids.set(token, id);
  };
  const { vocab } = fieldsOf(model);
  for (const [token, id] of Object.entries(isObject(vocab) ? vocab : {})) add(token, id, tokenTypes.normal);
  for (const { content, id, special } of listOf(added).map(fieldsOf)) {
    if (typeof content === 'string')
      add(content, id, special === true ? tokenTypes.control : tokenTypes.userDefined);
  }
  return { tokens, types, ids };
}

function mergesIn({ merges }: Fields): [string, string][] {
  return listOf(merges).map((merge) => {
    const [left = '', right = ''] = Array.isArray(merge) ? merge : String(merge).split(' ');
    return [String(left), String(right)];
  });
}

/** Tokens of SentencePiece that stand for a byte, and the one for what nothing stands for. */
function markBytes(tokens: readonly string[], types: Int32Array, unknown: number | undefined): void {
  tokens.forEach((token, id) => {
    if (types[id] === tokenTypes.normal && /^<0x[0-9A-F]{2}>$/.test(token)) types[id] = tokenTypes.byte;
  });
  if (unknown !== undefined) types[unknown] = tokenTypes.unknown;
}

/** @throws MoeqError for a way to cut text that llama.cpp has no name for */
function preTokenizerOf({ pre_tokenizer: own }: Fields, file: string): string {
  const joined = JSON.stringify(patternsOf(own));
  const found = preTokenizers.find(({ patterns, spellings = [] }) =>
    [patterns, ...spellings.map((spelling) => [spelling])].some((list) => JSON.stringify(list) === joined),
  );
  const [name] = found?.names ?? [];
  if (name !== undefined) return name;
  const known = preTokenizers.map(({ names }) => names[0]).join(', ');
  throw refusal(file, `a pre-tokenizer that llama.cpp knows, one of ${known}`, own);
}

function patternsOf(part: unknown): unknown[] {
  const { type, pretokenizers, pattern, use_regex: useRegex, individual_digits: single } = fieldsOf(part);
  const { Regex: expression, String: text } = fieldsOf(pattern);
  if (type === 'Sequence') return listOf(pretokenizers).flatMap(patternsOf);
  if (type === 'ByteLevel') return useRegex === false ? [] : [gpt2Pattern];
  if (type === 'Digits') return single === true ? ['\\p{N}'] : ['\\p{N}+'];
  return [type === 'Split' ? (expression ?? text) : part];
}

/** A SentencePiece text begins with a blank, put there by a normalizer or by a pre-tokenizer. */
function prependsBlank({ normalizer, pre_tokenizer: own }: Fields): boolean {
  return /"type":"Prepend"|"prepend_scheme":"(?:first|always)"|"add_prefix_space":true/.test(
    JSON.stringify([normalizer, own]),
  );
}

const specialNames = [
  ['bos', 'bos_token'],
  ['eos', 'eos_token'],
  ['unknown', 'unk_token'],
  ['padding', 'pad_token'],
] as const;

function specialIds(
  config: Readonly<Record<string, unknown>>,
  ids: ReadonlyMap<string, number>,
): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, field] of specialNames) {
    const token = config[field];
    const id = ids.get(String(fieldsOf(token).content ?? token));
    if (id !== undefined) found.set(name, id);
  }
  return found;
}

/** Whether texts begin with a token of their own; null where the tokenizer does not say. */
function beginsWithToken({ post_processor: processor }: Fields): boolean | null {
  const { processors } = fieldsOf(processor);
  const template = [processor, ...listOf(processors)]
    .map(fieldsOf)
    .find(({ type }) => type === 'TemplateProcessing');
  if (template === undefined) return null;
  const [first] = listOf(template.single);
  return isObject(first) && 'SpecialToken' in first;
}

function refusal(subject: string, expected: string, found: unknown): MoeqError {
  return new MoeqError({ operation: 'write as GGUF', subject, expected, found: quote(found, 160) });
}
