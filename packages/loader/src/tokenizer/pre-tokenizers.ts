// The pre-tokenizers of a tokenizer.json, as tokenizers/src/pre_tokenizers does them.
import { toByteCharacters } from './bytes.js';
import type { Component } from './component.js';
import { escaped, expressionPattern, inverted, patternOf } from './pattern.js';
import { type Pattern, type Piece, slice, split, splitBehaviors } from './piece.js';
import { scriptOf } from './scripts.js';

/** Cuts one piece; empty pieces are left out. */
export type PreTokenizer = (piece: Piece) => Piece[];

const kinds: Readonly<Record<string, (component: Component) => PreTokenizer>> = {
  BertPreTokenizer: () => inTurn([splitting(whitespace, 'Removed'), splitting(punctuation, 'Isolated')]),
  ByteLevel: byteLevel,
  CharDelimiterSplit: (component) => splitting(character(component.character('delimiter')), 'Removed'),
  Digits: (component) =>
    splitting(digits, component.flag('individual_digits', false) ? 'Isolated' : 'Contiguous'),
  FixedLength: fixedLength,
  Metaspace: metaspace,
  Punctuation: (component) => splitting(punctuation, component.oneOf('behavior', splitBehaviors, 'Isolated')),
  Sequence: (component) => inTurn(component.components('pretokenizers').map(preTokenizerOf)),
  Split: (component) => {
    const pattern = patternOf(component);
    const invert = component.flag('invert', false);
    return splitting(invert ? inverted(pattern) : pattern, component.oneOf('behavior', splitBehaviors));
  },
  UnicodeScripts: () => unicodeScripts,
  Whitespace: () => splitting(inverted(words), 'Removed'),
  WhitespaceSplit: () => splitting(whitespace, 'Removed'),
};

/** @throws MoeqError naming the component, for one of another kind or with malformed fields */
export function preTokenizerOf(component: Component): PreTokenizer {
  const { type } = component;
  const make = Object.hasOwn(kinds, type) ? kinds[type] : undefined;
  return make?.(component) ?? component.refuse(`a type among ${Object.keys(kinds).join(', ')}`, type);
}

const whitespace = expressionPattern(/\p{White_Space}/gu);
const digits = expressionPattern(/\p{N}/gu);
/** P, and the symbols of ASCII. */
const punctuation = expressionPattern(/[\p{P}!-/:-@[-`{-~]/gu);
/** `\w+|[^\w\s]+` as Rust's regex crate has it. */
const words = expressionPattern(
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu,
);
/** GPT-2's, with Oniguruma's white space. */
const gpt2 = expressionPattern(
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu,
);

const character = (only: string) => expressionPattern(new RegExp(escaped(only), 'gu'));

function splitting(pattern: Pattern, behavior: (typeof splitBehaviors)[number]): PreTokenizer {
  return (piece) => split(piece, pattern, behavior);
}

function inTurn(all: readonly PreTokenizer[]): PreTokenizer {
  return (piece) => all.reduce<Piece[]>((pieces, cut) => pieces.flatMap((each) => cut(each)), [piece]);
}

function prepended({ text, atStart }: Piece, content: string): Piece {
  return { text: content + text, atStart: atStart === 0 ? 0 : content.length + atStart };
}

function byteLevel(component: Component): PreTokenizer {
  const addsSpace = component.flag('add_prefix_space');
  const cuts = component.flag('use_regex', true);
  return (piece) => {
    const spaced = addsSpace && !piece.text.startsWith(' ') ? prepended(piece, ' ') : piece;
    const pieces = cuts ? split(spaced, gpt2, 'Isolated') : [spaced];
    return pieces.map(({ text, atStart }) => ({
      text: toByteCharacters(text),
      atStart: atStart === 0 ? 0 : toByteCharacters(text.slice(0, atStart)).length,
    }));
  };
}

const prependSchemes = ['first', 'never', 'always'] as const;

/** `prepend_scheme` of a Metaspace; older files say `add_prefix_space`. */
export function prependSchemeOf(component: Component): (typeof prependSchemes)[number] {
  const scheme = component.oneOf('prepend_scheme', prependSchemes, 'always');
  if (component.field('add_prefix_space') === false && scheme !== 'never') {
    return component.refuse('add_prefix_space as prepend_scheme has it', `false beside ${scheme}`);
  }
  return scheme;
}

function metaspace(component: Component): PreTokenizer {
  const replacement = component.character('replacement');
  const scheme = prependSchemeOf(component);
  const cut = component.flag('split', true) ? splitting(character(replacement), 'MergedWithNext') : null;
  return ({ text, atStart }) => {
    const replaced = text.replaceAll(' ', replacement);
    const start = atStart === 0 ? 0 : text.slice(0, atStart).replaceAll(' ', replacement).length;
    const own = { text: replaced, atStart: start };
    const prepends =
      !replaced.startsWith(replacement) && (scheme === 'always' || (scheme === 'first' && start > 0));
    const piece = prepends ? prepended(own, replacement) : own;
    return cut === null ? [piece] : cut(piece);
  };
}

function fixedLength(component: Component): PreTokenizer {
  const length = component.count('length', 5);
  if (length === 0) return component.refuse('a length from 1', length);
  return (piece) => {
    const pieces: Piece[] = [];
    let [start, end, count] = [0, 0, 0];
    for (const each of piece.text) {
      end += each.length;
      count += 1;
      if (count < length) continue;
      pieces.push(slice(piece, start, end));
      [start, count] = [end, 0];
    }
    return start < end ? [...pieces, slice(piece, start, end)] : pieces;
  };
}

/** Cuts where the script changes; blanks belong to what is before them, and those that begin a text are lost. */
function unicodeScripts(piece: Piece): Piece[] {
  const starts: number[] = [];
  let [at, last] = [0, ''];
  for (const each of piece.text) {
    const script = scriptOf(each);
    if (script !== null && script !== last) starts.push(at);
    if (script !== null) last = script;
    at += each.length;
  }
  return starts.map((start, index) => slice(piece, start, starts[index + 1] ?? at));
}
