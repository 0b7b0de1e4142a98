// What Oniguruma matches and JavaScript would not, against the onig of tokenizers 0.23.2 (`pre_tokenizers.Split(Regex(p),
// 'removed')` of each character).
import { expect, test } from 'vitest';
import { Component } from './component.js';
import { patternOf } from './pattern.js';

const matchesOf = (Regex: string, text: string) =>
  patternOf(new Component({ pattern: { Regex } }, 'pre_tokenizer', 'tokenizer.json'))(text)
    .filter(({ matched }) => matched)
    .map(({ start, end }) => text.slice(start, end));

test.each<[string, string, string[]]>([
  ['\\w', 'x²½①Ⅷ_é٣', ['x', '²', '½', 'Ⅷ', '_', 'é', '٣']],
  ['[\\w]', 'x²½①Ⅷ_é٣', ['x', 'Ⅷ', '_', 'é', '٣']],
  ['\\W', 'x²①-', ['①', '-']],
  ['[\\W]', 'x²①-', ['²', '①', '-']],
  ['\\s', 'a\u0085\u00a0\u2028\ufeff\u200b', ['\u0085', '\u00a0', '\u2028']],
  ['\\d', '1٣²', ['1', '٣']],
  ['\\h', 'fgA', ['f', 'A']],
  ['(?i:ſ)', 'sSſ', ['s', 'S', 'ſ']],
  ['.', 'a\n\r', ['a', '\r']],
  ['x*', 'axxb', ['', 'xx', '']],
  ['[a-z&&[^aeiou]]', 'abe', ['b']],
  ['\\\\w', 'a\\w', ['\\w']],
  ['(?m).+', 'ab\ncd', ['ab\ncd']],
  ['\\p{Word}+', 'a½² Ⅷ①', ['a½²', 'Ⅷ']],
  ['(?i)\\p{Lu}', 'aBcſK', ['B', 'K']],
  ['(?i)a\\p{Lu}', 'aB Ab ab AB', ['aB', 'AB']],
  ['(?i)\\p{M}', 'ι\u0345Ι\u0301', ['\u0345', '\u0301']],
  ["(?i:'s)|\\p{L}+", "A\u0345B'ſ'S", ['A', 'B', "'ſ", "'S"]],
  ['(?i)ss?', 'sS ß ſ', ['sS', 'ſ']],
  ['(?i)(?-i:ss)', 'ss SS ß', ['ss']],
])('%s in %j', (pattern, text, matches) => expect(matchesOf(pattern, text)).toEqual(matches));

test.each([
  ['\\X', /\\X, whose clusters differ/],
  ['(?i)ss', /ss without regard to case, which may be one character/],
  ['(?i)s(?:s)', /ss without regard to case/],
  ['(?i)\\x73\\x73', /ss without regard to case/],
  ['a|(?i:straße)', /st without regard to case/],
  ['(?i)[a[:lower:]]', /\[:lower:\] without regard to case/],
  ['(?i)[^[:^upper:]]', /\[:\^upper:\] without regard to case/],
  ['(?i)ﬁ', /ﬁ without regard to case, which is several characters/],
  ['(?i)[ß]', /ß without regard to case/],
  ['(?i)\\u0130', /İ without regard to case/],
])('%s is refused by the name of what differs', (pattern, what) => {
  expect(() => matchesOf(pattern, '')).toThrow(what);
});
