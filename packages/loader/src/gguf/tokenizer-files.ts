// The tokenizer of a GGUF file as the files that transformers has for it: tokenizer.json, tokenizer_config.json with the
// chat template, and generation_config.json with the tokens that end a text.
import { type GgufMetadata, MoeqError, quote } from '@moeq/tensors';
import { gpt2Pattern, type PreTokenizer, preTokenizers } from './pre-tokenizers.js';
import { mergesOf } from './sentencepiece.js';
import { readTokenizerMetadata, type TokenizerMetadata, tokenTypes } from './tokenizer-metadata.js';

/**
 * @param file names it in messages
 * @returns no files for a model without a tokenizer
 * @throws MoeqError for a kind of tokenizer that is not known, or malformed keys
 */
export function tokenizerFiles(
  metadata: GgufMetadata,
  file: string,
): Record<string, Readonly<Record<string, unknown>>> {
  const tokenizer = readTokenizerMetadata(metadata, file);
  if (tokenizer === null) return {};
  const { bos, eos, eot, tokens, unknown, chatTemplate } = tokenizer;
  const { json, pre } = kindOf(tokenizer, file);
  const addBos = bos !== null && (tokenizer.addBos ?? pre?.addBos ?? tokenizer.model === 'llama');
  const text = (name: string, id: number | null) => (id === null ? {} : { [name]: tokens[id] });
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: addedTokens(tokenizer),
      ...json,
      post_processor: template(addBos ? bos : null, tokenizer.addEos === true ? eos : null, tokens),
    },
    'tokenizer_config.json': {
      tokenizer_class: 'PreTrainedTokenizerFast',
      ...text('bos_token', bos),
      ...text('eos_token', eos),
      ...text('unk_token', unknown),
      add_bos_token: addBos,
      clean_up_tokenization_spaces: false,
      ...(chatTemplate !== null && { chat_template: chatTemplate }),
    },
    'generation_config.json': {
      ...(bos !== null && { bos_token_id: bos }),
      ...(eos !== null && { eos_token_id: eot === null || eot === eos ? eos : [eos, eot] }),
    },
  };
}

interface Kind {
  readonly json: object;
  readonly pre: PreTokenizer | null;
}

function kindOf(tokenizer: TokenizerMetadata, file: string): Kind {
  if (tokenizer.model === 'gpt2') return byteLevel(tokenizer, file);
  if (tokenizer.model === 'llama') return { json: sentencePiece(tokenizer, file), pre: null };
  throw tokenizerError(file, 'tokenizer.ggml.model gpt2 or llama', quote(tokenizer.model));
}

function byteLevel({ tokens, merges, pre: name }: TokenizerMetadata, file: string): Kind {
  const pre = preTokenizers.find(({ names }) => names.includes(name ?? 'default'));
  if (pre === undefined) {
    const known = preTokenizers.flatMap(({ names }) => names).join(', ');
    throw tokenizerError(file, `tokenizer.ggml.pre to be one of ${known}`, quote(name));
  }
  const bytes = { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true };
  const single = pre.patterns.length === 1 && pre.patterns[0] === gpt2Pattern;
  const splits = pre.patterns.map((pattern) => ({
    type: 'Split',
    pattern: { Regex: pattern },
    behavior: 'Isolated',
    invert: false,
  }));
  const json = {
    normalizer: pre.normalizer === undefined ? null : { type: pre.normalizer },
    pre_tokenizer: single
      ? { ...bytes, use_regex: true }
      : { type: 'Sequence', pretokenizers: [...splits, { ...bytes, use_regex: false }] },
    decoder: { ...bytes, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: pre.ignoreMerges === true,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  };
  return { json, pre };
}

/** A blank as SentencePiece writes it. */
const blank = '▁';

function sentencePiece(tokenizer: TokenizerMetadata, file: string): object {
  const { tokens, types, scores, unknown, addSpacePrefix } = tokenizer;
  if (scores === null) throw tokenizerError(file, 'tokenizer.ggml.scores, one a token', 'none');
  const vocabulary = new Map(tokens.map((token, id) => [token, id]));
  const isText = (id: number) => types[id] === tokenTypes.normal || types[id] === tokenTypes.userDefined;
  return {
    normalizer: {
      type: 'Sequence',
      normalizers: [
        ...(addSpacePrefix ? [{ type: 'Prepend', prepend: blank }] : []),
        { type: 'Replace', pattern: { String: ' ' }, content: blank },
      ],
    },
    pre_tokenizer: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: blank }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        ...(addSpacePrefix ? [{ type: 'Strip', content: ' ', start: 1, stop: 0 }] : []),
      ],
    },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: unknown === null ? null : tokens[unknown],
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: true,
      byte_fallback: true,
      ignore_merges: false,
      vocab: Object.fromEntries(vocabulary),
      merges: mergesOf(vocabulary, scores, isText),
    },
  };
}

/** Tokens that stand for themselves: control tokens, which are left out of texts, and those of the user. */
function addedTokens({ tokens, types }: TokenizerMetadata): object[] {
  return tokens.flatMap((content, id) => {
    const special = types[id] === tokenTypes.control || types[id] === tokenTypes.unknown;
    if (!special && types[id] !== tokenTypes.userDefined) return [];
    return [{ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special }];
  });
}

/** What stands around every text. */
function template(bos: number | null, eos: number | null, tokens: readonly string[]): object | null {
  const ids = [bos, eos].filter((id) => id !== null);
  if (ids.length === 0) return null;
  const special = (id: number | null) =>
    id === null ? [] : [{ SpecialToken: { id: tokens[id], type_id: 0 } }];
  const text = (id: string) => ({ Sequence: { id, type_id: id === 'A' ? 0 : 1 } });
  return {
    type: 'TemplateProcessing',
    single: [...special(bos), text('A'), ...special(eos)],
    pair: [...special(bos), text('A'), ...special(eos), text('B'), ...special(eos)],
    special_tokens: Object.fromEntries(
      ids.map((id) => [tokens[id], { id: tokens[id], ids: [id], tokens: [tokens[id]] }]),
    ),
  };
}

function tokenizerError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'read the tokenizer', subject, expected, found });
}
