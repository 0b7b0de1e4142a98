// The added tokens of all the files of a tokenizer, as transformers 5 takes them together: those of tokenizer.json, then
// `added_tokens_decoder` of tokenizer_config.json or, where there is none, special_tokens_map.json and added_tokens.json,
// then whatever special token a file names. tokenization_utils_base.py `_from_pretrained`, tokenization_utils_tokenizers.py
// `TokenizersBackend.__init__`.
import { isObject, quote } from '@moeq/tensors';
import type { AddedToken, AddedVocabulary } from './added-vocabulary.js';
import { Component, tokenizerError } from './component.js';

type Fields = Readonly<Record<string, unknown>>;

/** The files beside tokenizer.json; null for one that is not there. */
export interface NeighbourFiles {
  readonly tokenizerConfig: Fields | null;
  readonly specialTokensMap: Fields | null;
  readonly addedTokens: Fields | null;
}

/** Special tokens by name, in the order in which they are added. */
const specialNames = [
  'bos_token',
  'eos_token',
  'unk_token',
  'sep_token',
  'pad_token',
  'cls_token',
  'mask_token',
] as const;

/** `added_tokens` of tokenizer.json. @throws MoeqError for an entry without content */
export function ownTokens(tokenizer: Fields, file: string): AddedToken[] {
  const { added_tokens: list } = tokenizer;
  if (list == null) return [];
  return new Component({ list }, 'added_tokens', file)
    .components('list')
    .map((component) => tokenOf(component, {}));
}

/** A token as one of the files has it; `fixed` goes before what it says. */
function tokenOf(component: Component, fixed: Partial<AddedToken>): AddedToken {
  const special = fixed.special ?? component.flag('special', false);
  return {
    content: component.text('content'),
    singleWord: component.flag('single_word', false),
    lstrip: component.flag('lstrip', false),
    rstrip: component.flag('rstrip', false),
    normalized: component.flag('normalized', !special),
    special,
  };
}

function plainToken(content: string, special: boolean): AddedToken {
  return { content, singleWord: false, lstrip: false, rstrip: false, normalized: !special, special };
}

/** The special tokens that the files name, the last one that names a token first: bos_token and its kind. */
export function namedTokens(files: NeighbourFiles): ReadonlyMap<string, unknown> {
  const { tokenizerConfig: config, specialTokensMap: map } = files;
  const legacy = hasDecoder(config) ? {} : map;
  const fields: Fields = { ...config, ...legacy };
  const names = [
    ...specialNames,
    ...Object.keys(fields).filter((name) => name.endsWith('_token') && !isStandard(name)),
  ];
  const named = new Map<string, unknown>();
  for (const name of names) {
    const value = fields[name];
    // under a name of its own, tokenizer_config.json has to mark an object as a token
    const counts = isStandard(name) || Object.hasOwn(legacy ?? {}, name) || isMarked(value);
    if (typeof value === 'string' || (isToken(value) && counts)) named.set(name, value);
  }
  const { extra_special_tokens: extra } = fields;
  if (isObject(extra) && !isToken(extra)) {
    for (const [name, value] of Object.entries(extra)) named.set(name, value);
  }
  return named;
}

function isStandard(name: string): boolean {
  return specialNames.some((own) => own === name);
}

function isMarked(value: unknown): boolean {
  const { __type: type } = isObject(value) ? value : {};
  return type === 'AddedToken';
}

function isToken(value: unknown): value is Fields {
  const { content } = isObject(value) ? value : {};
  return typeof content === 'string';
}

function hasDecoder(config: Fields | null): boolean {
  return config !== null && Object.hasOwn(config, 'added_tokens_decoder');
}

/** The text of a special token, which stands as text or as an object. */
export function contentOf(value: unknown): string | null {
  const { content } = isObject(value) ? value : { content: value };
  return typeof content === 'string' ? content : null;
}

/**
 * Adds what the neighbours of tokenizer.json say. A listed token that a file names is special, whatever its list says of it.
 * @param own `added_tokens` of tokenizer.json, which are in the vocabulary
 * @param file for messages
 * @throws MoeqError for a token that is malformed
 */
export function addNeighbours(
  vocabulary: AddedVocabulary,
  own: readonly AddedToken[],
  files: NeighbourFiles,
  file: string,
): void {
  // transformers reads the list of tokenizer.json as one of the neighbours where there is no added_tokens_decoder
  const tokens = [...(hasDecoder(files.tokenizerConfig) ? [] : own), ...listedTokens(files, file)];
  const contents = new Set([...vocabulary.tokens.values(), ...tokens].map(({ content }) => content));
  const named = namedTokens(files);
  const names = new Set([...named.values()].map(contentOf));
  const special = [...named.values()].map((value) => specialToken(value, file));
  for (const token of [...special, ...extraTokens(files, file).all]) {
    if (!contents.has(token.content)) tokens.push(token);
    contents.add(token.content);
  }
  vocabulary.add(tokens.map((token) => (names.has(token.content) ? { ...token, special: true } : token)));
}

/** By id, as they are listed with one. */
function listedTokens(files: NeighbourFiles, file: string): AddedToken[] {
  const { tokenizerConfig: config, addedTokens } = files;
  if (config !== null && hasDecoder(config)) {
    const { added_tokens_decoder: decoder } = config;
    if (!isObject(decoder)) {
      throw tokenizerError(file, 'added_tokens_decoder to be tokens by their ids', quote(decoder, 80));
    }
    // the keys of an object that are integers come in their order
    return Object.entries(decoder).map(([id, value]) =>
      tokenOf(new Component(value, `added_tokens_decoder.${id}`, file), {}),
    );
  }
  const special = new Set([...namedTokens(files).values(), ...extraTokens(files, file).known].map(contentOf));
  return Object.entries(addedTokens ?? {})
    .sort(([, one], [, other]) => Number(one) - Number(other))
    .map(([content]) => plainToken(content, special.has(content)));
}

interface ExtraTokens {
  readonly all: readonly AddedToken[];
  /**
   * Those that make a token of added_tokens.json special: transformers looks at the others later, objects of
   * tokenizer_config.json among them.
   */
  readonly known: readonly unknown[];
}

/**
 * `extra_special_tokens` as a list, or `additional_special_tokens`, its name until transformers 5. An object of
 * tokenizer_config.json says itself whether it is special; one of special_tokens_map.json is.
 */
function extraTokens(files: NeighbourFiles, file: string): ExtraTokens {
  const { extra_special_tokens: extra, additional_special_tokens: additional } = files.tokenizerConfig ?? {};
  const listOf = (value: unknown): readonly unknown[] | null => {
    if (value == null || isObject(value)) return null;
    if (Array.isArray(value)) return value;
    throw tokenizerError(file, 'additional_special_tokens to be a list', quote(value, 80));
  };
  const isEmpty = extra == null || (Array.isArray(extra) && extra.length === 0);
  const own = listOf(isEmpty ? additional : extra);
  const listedHere = (own ?? []).map((value) => listedToken(value, file));
  if (hasDecoder(files.tokenizerConfig)) return { all: listedHere, known: [] };
  const { extra_special_tokens: mapExtra, additional_special_tokens: mapAdditional } =
    files.specialTokensMap ?? {};
  const listed = listOf(mapExtra);
  const ofMap = own === null && listed === null ? listOf(mapAdditional) : listed;
  return {
    known: [...(own ?? []).filter((value) => typeof value === 'string'), ...(listed ?? [])],
    all: [...listedHere, ...(ofMap ?? []).map((value) => specialToken(value, file))],
  };
}

function listedToken(value: unknown, file: string): AddedToken {
  if (typeof value === 'string') return plainToken(value, true);
  return tokenOf(new Component(value, 'special tokens', file), {});
}

function specialToken(value: unknown, file: string): AddedToken {
  if (typeof value === 'string') return plainToken(value, true);
  return tokenOf(new Component(value, 'special tokens', file), { special: true });
}
