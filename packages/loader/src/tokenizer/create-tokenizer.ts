// tokenizer.json and its neighbours as the runtime's Tokenizer: the ids and texts of the tokenizers library, 0.23. A text goes
// through added tokens, normalizer, pre-tokenizer, model and post-processor; ids through the decoder. Truncation and padding of
// the file are settings for batches of a training run and are left off, as transformers leaves them off.
import type { Tokenizer } from '@moeq/runtime';
import { quote } from '@moeq/tensors';
import { addNeighbours, contentOf, type NeighbourFiles, namedTokens, ownTokens } from './added-tokens.js';
import { AddedVocabulary } from './added-vocabulary.js';
import { Component, tokenizerError } from './component.js';
import { cleanUpSpaces, type Decoder, decoderOf } from './decoders.js';
import { modelOf } from './model.js';
import { normalizerOf } from './normalizers.js';
import { postProcessorOf } from './post-processor.js';
import { preTokenizerOf } from './pre-tokenizers.js';
import { tokenBytes } from './token-bytes.js';

/** What was read from tokenizer.json, tokenizer_config.json and their kind. */
export interface TokenizerFiles extends NeighbourFiles {
  /** tokenizer.json */
  readonly tokenizer: Readonly<Record<string, unknown>>;
  /** Name of tokenizer.json, for messages. */
  readonly file: string;
}

export interface FileTokenizer extends Tokenizer {
  /** The id of the files' eos_token; null where they name none, or one that is no token. */
  readonly endId: number | null;
}

/**
 * @param modelVocabulary ids of the model; a text with a token beyond them is refused when it is encoded
 * @throws MoeqError naming the component of tokenizer.json that is malformed or that nothing here does
 */
export function createTokenizer(files: TokenizerFiles, modelVocabulary: number): FileTokenizer {
  const { file, tokenizer: json } = files;
  const { decoder: decoderPart } = json;
  const componentOf = <Made>(name: string, make: (component: Component) => Made): Made | null =>
    json[name] == null ? null : make(new Component(json[name], name, file));

  const normalizer = componentOf('normalizer', normalizerOf);
  const preTokenizer = componentOf('pre_tokenizer', preTokenizerOf);
  const postProcessor = componentOf('post_processor', postProcessorOf);
  const decoder: Decoder = componentOf('decoder', decoderOf) ?? ((tokens) => [tokens.join(' ')]);
  const model = componentOf('model', modelOf);
  if (model === null) throw tokenizerError(file, 'a field model', 'none');
  const config = files.tokenizerConfig ?? {};
  const { split_special_tokens: splitsSpecial, clean_up_tokenization_spaces: tidies } = config;
  const vocabulary = new AddedVocabulary(model, normalizer, splitsSpecial === true);
  const own = ownTokens(json, file);
  vocabulary.add(own);
  addNeighbours(vocabulary, own, files, file);
  const size = sizeOf(
    [...model.entries()].map(([, id]) => id),
    vocabulary.tokens.keys(),
  );
  if (size === 0) throw tokenizerError(file, 'tokens', 'none');
  const bytes = tokenBytes(decoderPart, vocabulary);

  return {
    vocabularySize: Math.min(size, modelVocabulary),
    endId: endIdOf(files, vocabulary),
    ...(bytes !== undefined && { tokenBytes: bytes }),
    encode(text, options = {}) {
      const ids = vocabulary.extract(text.toWellFormed()).flatMap((found) => {
        if ('id' in found) return [found.id];
        const pieces = preTokenizer === null ? [found] : preTokenizer(found);
        return pieces.flatMap((piece) => model.tokenize(piece.text));
      });
      const all = (postProcessor?.([ids], options.addSpecialTokens ?? true) ?? [ids]).flat();
      const beyond = all.find((id) => id >= modelVocabulary);
      if (beyond === undefined) return all;
      throw tokenizerError(
        file,
        `tokens with ids below ${modelVocabulary}, the model's vocabulary, in a text`,
        `${quote(vocabulary.tokenOf(beyond))} with id ${beyond}`,
      );
    },
    decode(ids, options = {}) {
      const skips = options.skipSpecialTokens ?? false;
      const tokens: string[] = [];
      for (const id of ids) {
        const token = vocabulary.tokenOf(id);
        if (token !== undefined && !(skips && vocabulary.isSpecial(token))) tokens.push(token);
      }
      const text = decoder(tokens).join('');
      // transformers leaves byte-pair encodings alone, whatever the file says
      return tidies === true && model.type !== 'BPE' ? cleanUpSpaces(text) : text;
    },
  };
}

function sizeOf(...lists: readonly Iterable<number>[]): number {
  let size = 0;
  for (const list of lists) for (const id of list) size = Math.max(size, id + 1);
  return size;
}

function endIdOf(files: NeighbourFiles, vocabulary: AddedVocabulary): number | null {
  const token = contentOf(namedTokens(files).get('eos_token'));
  return token === null ? null : (vocabulary.idOf(token) ?? null);
}
