// What Oniguruma matches and JavaScript would not, against the onig of tokenizers 0.23.2 (`pre_tokenizers.Split(Regex(p),
// 'removed')` of each character).
import { expect, test } from 'vitest';
import { Part } from './part.js';
import { patternOf } from './pattern.js';

const matchesOf = (Regex: string, text: string) =>
  patternOf(new Part({ pattern: { Regex } }, 'pre_tokenizer', 'tokenizer.json'))(text)
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
])('%s in %j', (pattern, text, matches) => expect(matchesOf(pattern, text)).toEqual(matches));
