// The files of a tokenizer as the `tokenizer.*` keys of a GGUF file. What llama.cpp cannot do (another pre-tokenizer, another
// model than byte-pair encoding) is refused.
import { type GgufValue, MoeqError, quote } from '@moeq/tensors';
import type { FileSet } from '../checkpoint.js';
import { inSet, isObject, MAX_CONFIG_BYTES, MAX_TOKENIZER_BYTES, readJsonObject, readText } from '../json.js';
import { gpt2Pattern, preTokenizers } from './pre-tokenizers.js';
import { scoresOf } from './sentencepiece.js';
import { tokenTypes } from './tokenizer-metadata.js';

type Json = Readonly<Record<string, unknown>>;

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
  const json = await readJsonObject(files, 'tokenizer.json', MAX_TOKENIZER_BYTES);
  if (json === null) {
    set('ggml.model', { type: 'string', value: 'none' });
    return metadata;
  }
  const config = (await readJsonObject(files, 'tokenizer_config.json', MAX_CONFIG_BYTES)) ?? {};
  const model = isObject(json['model']) ? json['model'] : {};
  const file = inSet(files, 'tokenizer.json');
  if (model['type'] !== undefined && model['type'] !== 'BPE')
    throw refusal(file, 'a model of type BPE', model['type']);
  const { tokens, types, ids } = vocabularyOf(json, model, vocabularySize);
  const merges = mergesIn(model);
  const isPiece = model['byte_fallback'] === true;
  set('ggml.model', { type: 'string', value: isPiece ? 'llama' : 'gpt2' });
  if (!isPiece) set('ggml.pre', { type: 'string', value: preTokenizerOf(json, file) });
  set('ggml.tokens', { type: 'array', of: 'string', value: tokens });
  if (isPiece) {
    tokens.forEach((token, id) => {
      if (types[id] === tokenTypes.normal && /^<0x[0-9A-F]{2}>$/.test(token)) types[id] = tokenTypes.byte;
    });
    set('ggml.scores', { type: 'array', of: 'f32', value: scoresOf(tokens, merges) });
    if (!prependsBlank(json)) set('ggml.add_space_prefix', { type: 'bool', value: false });
  } else {
    set('ggml.merges', { type: 'array', of: 'string', value: merges.map((pair) => pair.join(' ')) });
  }
  const special = specialIds(config, ids);
  const unknown = special.get('unknown');
  if (isPiece && unknown !== undefined) types[unknown] = tokenTypes.unknown;
  set('ggml.token_type', { type: 'array', of: 'i32', value: types });
  for (const [name, id] of special) set(`ggml.${name}_token_id`, { type: 'u32', value: id });
  set('ggml.add_bos_token', { type: 'bool', value: beginsWith(json, config, special.get('bos')) });
  set('ggml.add_eos_token', { type: 'bool', value: config['add_eos_token'] === true });
  const template =
    (await readText(files, 'chat_template.jinja', MAX_CONFIG_BYTES)) ?? config['chat_template'];
  if (typeof template === 'string') set('chat_template', { type: 'string', value: template });
  return metadata;
}

interface Vocabulary {
  readonly tokens: string[];
  readonly types: Int32Array;
  readonly ids: ReadonlyMap<string, number>;
}

/** Tokens by id; ids that have none get a name that no text has. */
function vocabularyOf(json: Json, model: Json, size: number): Vocabulary {
  const tokens = Array.from({ length: size }, (_, id) => `[PAD${id}]`);
  const types = new Int32Array(size).fill(tokenTypes.unused);
  const ids = new Map<string, number>();
  const add = (token: string, id: unknown, type: number) => {
    if (typeof id !== 'number' || !(id >= 0 && id < size)) return;
    tokens[id] = token;
    types[id] = type;
    ids.set(token, id);
  };
  for (const [token, id] of Object.entries(isObject(model['vocab']) ? model['vocab'] : {})) {
    add(token, id, tokenTypes.normal);
  }
  for (const added of Array.isArray(json['added_tokens']) ? json['added_tokens'] : []) {
    if (!isObject(added) || typeof added['content'] !== 'string') continue;
    add(
      added['content'],
      added['id'],
      added['special'] === true ? tokenTypes.control : tokenTypes.userDefined,
    );
  }
  return { tokens, types, ids };
}

function mergesIn(model: Json): [string, string][] {
  const merges: readonly unknown[] = Array.isArray(model['merges']) ? model['merges'] : [];
  return merges.map((merge) => {
    const [left = '', right = ''] = Array.isArray(merge) ? merge : String(merge).split(' ');
    return [String(left), String(right)];
  });
}

/** @throws MoeqError for a way to cut text that llama.cpp has no name for */
function preTokenizerOf(json: Json, file: string): string {
  const patterns = patternsOf(json['pre_tokenizer']);
  const joined = JSON.stringify(patterns);
  const found = preTokenizers.find(
    (pre) =>
      JSON.stringify(pre.patterns) === joined ||
      pre.spellings?.some((spelling) => JSON.stringify([spelling]) === joined),
  );
  const [name] = found?.names ?? [];
  if (name !== undefined) return name;
  const known = preTokenizers.map(({ names }) => names[0]).join(', ');
  throw refusal(file, `a pre-tokenizer that llama.cpp knows, one of ${known}`, json['pre_tokenizer']);
}

function patternsOf(part: unknown): unknown[] {
  if (!isObject(part)) return [];
  const { type, pretokenizers, pattern, use_regex: useRegex } = part;
  if (type === 'Sequence') return Array.isArray(pretokenizers) ? pretokenizers.flatMap(patternsOf) : [];
  if (type === 'ByteLevel') return useRegex === false ? [] : [gpt2Pattern];
  if (type === 'Digits') return part['individual_digits'] === true ? ['\\p{N}'] : ['\\p{N}+'];
  if (type === 'Split' && isObject(pattern)) return [pattern['Regex'] ?? pattern['String']];
  return [part];
}

/** A SentencePiece text begins with a blank, put there by a normalizer or by a pre-tokenizer. */
function prependsBlank(json: Json): boolean {
  return /"type":"Prepend"|"prepend_scheme":"(?:first|always)"|"add_prefix_space":true/.test(
    JSON.stringify([json['normalizer'], json['pre_tokenizer']]),
  );
}

const specialNames = {
  bos: 'bos_token',
  eos: 'eos_token',
  unknown: 'unk_token',
  padding: 'pad_token',
} as const;

function specialIds(config: Json, ids: ReadonlyMap<string, number>): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, field] of Object.entries(specialNames)) {
    const token = config[field];
    const id = ids.get(String(isObject(token) ? token['content'] : token));
    if (id !== undefined) found.set(name, id);
  }
  return found;
}

/** Whether texts begin with BOS: what the post-processor does, and else what the configuration says. */
function beginsWith(json: Json, config: Json, bos: number | undefined): boolean {
  if (bos === undefined) return false;
  const processor = isObject(json['post_processor']) ? json['post_processor'] : {};
  const parts = processor['type'] === 'Sequence' ? processor['processors'] : [processor];
  const template = (Array.isArray(parts) ? parts : []).find(
    (part: unknown) => isObject(part) && part['type'] === 'TemplateProcessing',
  );
  if (!isObject(template)) return config['add_bos_token'] === true;
  const [first]: unknown[] = Array.isArray(template['single']) ? template['single'] : [];
  return isObject(first) && 'SpecialToken' in first;
}

function refusal(subject: string, expected: string, found: unknown): MoeqError {
  return new MoeqError({ operation: 'write as GGUF', subject, expected, found: quote(found, 160) });
}
