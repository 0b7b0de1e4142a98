// From tokens to text: the decoders of a tokenizer.json, as tokenizers/src/decoders does them. Each takes the texts of the
// tokens and gives texts; at the end they are joined.
import { byteOfToken, bytesOfCharacters } from './bytes.js';
import type { Component } from './component.js';
import { patternOf } from './pattern.js';
import { prependSchemeOf } from './pre-tokenizers.js';

export type Decoder = (tokens: readonly string[]) => readonly string[];

const kinds: Readonly<Record<string, (component: Component) => Decoder>> = {
  BPEDecoder: (component) => {
    const suffix = component.text('suffix', '</w>');
    // An empty suffix is found around every character, and a character beyond the BMP is one.
    const replaced = (token: string, by: string) =>
      suffix === '' ? ['', ...token, ''].join(by) : token.replaceAll(suffix, by);
    return (tokens) => tokens.map((token, index) => replaced(token, index === tokens.length - 1 ? '' : ' '));
  },
  ByteFallback: () => byteFallback,
  ByteLevel: () => byteLevel,
  CTC: ctc,
  Fuse: () => (tokens) => [tokens.join('')],
  Metaspace: (component) => {
    const replacement = component.character('replacement');
    const drops = prependSchemeOf(component) !== 'never';
    return (tokens) =>
      tokens.map((token, index) => token.replaceAll(replacement, drops && index === 0 ? '' : ' '));
  },
  Replace: (component) => {
    const pattern = patternOf(component);
    const content = component.text('content');
    return (tokens) =>
      tokens.map((token) =>
        pattern(token)
          .map(({ start, end, matched }) => (matched ? content : token.slice(start, end)))
          .join(''),
      );
  },
  Sequence: (component) => {
    const all = component.components('decoders').map(decoderOf);
    return (tokens) => all.reduce((done, decode) => decode(done), tokens);
  },
  Strip: (component) => {
    const [content, start, stop] = [
      component.character('content'),
      component.count('start'),
      component.count('stop'),
    ];
    return (tokens) => tokens.map((token) => stripped(token, content, start, stop));
  },
  WordPiece: wordPiece,
};

/** @throws MoeqError naming the component, for one of another kind or with malformed fields */
export function decoderOf(component: Component): Decoder {
  const { type } = component;
  const make = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return make?.(component) ?? component.refuse(`a type among ${Object.keys(kinds).join(', ')}`, type);
}

const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
const strictUtf8 = new TextDecoder('utf-8', { ignoreBOM: true, fatal: true });

function byteLevel(tokens: readonly string[]): readonly string[] {
  const parts = tokens.map(bytesOfCharacters);
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return [utf8.decode(bytes)];
}

/** Neighbours such as `<0xE6>` become text; one U+FFFD each where they are no UTF-8 together. */
function byteFallback(tokens: readonly string[]): readonly string[] {
  const result: string[] = [];
  let bytes: number[] = [];
  const flush = () => {
    if (bytes.length > 0) result.push(...textsOf(bytes));
    bytes = [];
  };
  for (const token of tokens) {
    const byte = byteOfToken(token);
    if (byte !== null) {
      bytes.push(byte);
      continue;
    }
    flush();
    result.push(token);
  }
  flush();
  return result;
}

function textsOf(bytes: readonly number[]): string[] {
  try {
    return [strictUtf8.decode(Uint8Array.from(bytes))];
  } catch {
    return bytes.map(() => '\uFFFD');
  }
}

/** Of the character `content`, at most `start` at the beginning and `stop` at the end. */
function stripped(token: string, content: string, start: number, stop: number): string {
  const characters = [...token];
  let [from, to] = [0, characters.length];
  while (from < start && characters[from] === content) from += 1;
  while (characters.length - to < stop && to > from && characters[to - 1] === content) to -= 1;
  return characters.slice(from, to).join('');
}

const tidyings = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [' do not', " don't"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
] as const;

function tidy(text: string): string {
  return tidyings.reduce((done, [from, to]) => done.replaceAll(from, to), text);
}

/** transformers' `clean_up_tokenization_spaces`, which leaves "do not" as it is. */
export function cleanUpSpaces(text: string): string {
  return tidyings.reduce((done, [from, to]) => (from === ' do not' ? done : done.replaceAll(from, to)), text);
}

function wordPiece(component: Component): Decoder {
  const prefix = component.text('prefix', '##');
  const tidies = component.flag('cleanup', true);
  return (tokens) =>
    tokens.map((token, index) => {
      const continues = token.startsWith(prefix);
      const text = index === 0 ? token : continues ? token.slice(prefix.length) : ` ${token}`;
      return tidies ? tidy(text) : text;
    });
}

function ctc(component: Component): Decoder {
  const padding = component.text('pad_token', '<pad>');
  const delimiter = component.text('word_delimiter_token', '|');
  const tidies = component.flag('cleanup', true);
  return (tokens) =>
    tokens
      .filter((token, index) => token !== tokens[index - 1])
      .map((token) => (padding === '' ? token : token.replaceAll(padding, '')))
      .map((token) => (tidies ? tidy(token).replaceAll(delimiter, ' ') : token))
      .filter((token) => token !== '');
}
