// The normalizers of a tokenizer.json, as tokenizers/src/normalizers does them.

import { toByteCharacters } from './bytes.js';
import type { Component } from './component.js';
import { patternOf } from './pattern.js';
import { firstLength, type Piece } from './piece.js';
import { precompiled } from './precompiled.js';

export type Normalizer = (piece: Piece) => Piece;

const kinds: Readonly<Record<string, (component: Component) => Normalizer>> = {
  BertNormalizer: bert,
  ByteLevel: () => local(toByteCharacters),
  Lowercase: () => local(lowercase),
  NFC: () => local((text) => text.normalize('NFC')),
  NFD: () => local((text) => text.normalize('NFD')),
  NFKC: () => local((text) => text.normalize('NFKC')),
  NFKD: () => local((text) => text.normalize('NFKD')),
  Nmt: () => local(nmt),
  Precompiled: (component) => local(precompiled(component)),
  Prepend: (component) => prepend(component.text('prepend')),
  Replace: replace,
  Sequence: sequence,
  Strip: strip,
  StripAccents: () => local((text) => text.replace(/\p{M}/gu, '')),
};

/** @throws MoeqError naming the component, for one of another kind or with malformed fields */
export function normalizerOf(component: Component): Normalizer {
  const { type } = component;
  const make = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return make?.(component) ?? component.refuse(`a type among ${Object.keys(kinds).join(', ')}`, type);
}

/** One that looks at characters with few neighbours, so that a beginning of the text becomes a beginning of the result. */
function local(change: (text: string) => string): Normalizer {
  return ({ text, atStart }) => ({
    text: change(text),
    atStart: atStart === 0 ? 0 : change(text.slice(0, atStart)).length,
  });
}

function sequence(component: Component): Normalizer {
  const all = component.components('normalizers').map(normalizerOf);
  return (piece) => all.reduce((done, normalize) => normalize(done), piece);
}

/** By characters: a sigma that ends a word is no other sigma. */
function lowercase(text: string): string {
  return text.includes('Σ')
    ? Array.from(text, (character) => character.toLowerCase()).join('')
    : text.toLowerCase();
}

function prepend(content: string): Normalizer {
  return ({ text, atStart }) =>
    text === ''
      ? { text, atStart }
      : { text: content + text, atStart: atStart === 0 ? 0 : content.length + atStart };
}

function replace(component: Component): Normalizer {
  const pattern = patternOf(component);
  const content = component.text('content');
  return (piece) => {
    let [text, atStart] = ['', 0];
    for (const { start, end, matched } of pattern(piece.text)) {
      const put = matched ? content : piece.text.slice(start, end);
      // what replaces a match comes from where its last character came from
      if (matched) atStart += Math.max(0, end - 1) < piece.atStart ? put.length : 0;
      else atStart += Math.max(0, Math.min(piece.atStart, end) - start);
      text += put;
    }
    return { text, atStart };
  };
}

function strip(component: Component): Normalizer {
  const [left, right] = [component.flag('strip_left'), component.flag('strip_right')];
  return ({ text, atStart }) => {
    const from = left ? (/^\p{White_Space}*/u.exec(text)?.[0].length ?? 0) : 0;
    let to = text.length;
    while (right && to > from && /\p{White_Space}/u.test(text.charAt(to - 1))) to -= 1;
    return { text: text.slice(from, to), atStart: Math.max(0, Math.min(atStart, to) - from) };
  };
}

/** Code points that Nmt drops, and those that it takes for blanks; from first to last. */
const nmtDropped = [
  [0x01, 0x08],
  [0x0b, 0x0b],
  [0x0e, 0x1f],
  [0x7f, 0x7f],
  [0x8f, 0x8f],
  [0x9f, 0x9f],
] as const;
const nmtBlanks = [
  [0x09, 0x0a],
  [0x0c, 0x0d],
  [0x1680, 0x1680],
  [0x200b, 0x200f],
  [0x2028, 0x2029],
  [0x2581, 0x2581],
  [0xfeff, 0xfeff],
  [0xfffd, 0xfffd],
] as const;

function nmt(text: string): string {
  const isIn = (ranges: typeof nmtDropped | typeof nmtBlanks, code: number) =>
    ranges.some(([first, last]) => code >= first && code <= last);
  return Array.from(text, (character) => {
    const code = character.codePointAt(0) ?? 0;
    if (isIn(nmtDropped, code)) return '';
    return isIn(nmtBlanks, code) ? ' ' : character;
  }).join('');
}

const ideographs =
  /[\u{4E00}-\u{9FFF}\u{3400}-\u{4DBF}\u{20000}-\u{2A6DF}\u{2A700}-\u{2B73F}\u{2B740}-\u{2B81F}\u{2B920}-\u{2CEAF}\u{F900}-\u{FAFF}\u{2F800}-\u{2FA1F}]/gu;

function bert(component: Component): Normalizer {
  const lower = component.flag('lowercase', true);
  const accents = component.field('strip_accents') ?? lower;
  const steps: ((text: string) => string)[] = [];
  if (component.flag('clean_text', true)) steps.push(clean);
  if (component.flag('handle_chinese_chars', true)) steps.push((text) => text.replace(ideographs, ' $& '));
  if (accents === true) steps.push((text) => text.normalize('NFD').replace(/\p{Mn}/gu, ''));
  if (lower) steps.push(lowercase);
  return local((text) => steps.reduce((done, step) => step(done), text));
}

function clean(text: string): string {
  return text.replace(/\uFFFD|(?![\t\n\r])[\p{Cc}\p{Cf}\p{Co}]/gu, '').replace(/\p{White_Space}/gu, ' ');
}

/** What a text is before any normalizer. */
export function pieceOf(text: string, isStart: boolean): Piece {
  return { text, atStart: isStart ? firstLength(text) : 0 };
}
