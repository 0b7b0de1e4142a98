// Patterns of a tokenizer.json: texts, and regular expressions in Oniguruma's syntax, which JavaScript's do not share (\s, \w,
// \h, nested classes, possessive quantifiers, (?i:…)); oniguruma-to-es translates them. Matches follow each other as the
// iterator of Rust's onig crate has them: no empty match right behind a match.
import { isObject, quote } from '@moeq/tensors';
import { toRegExp } from 'oniguruma-to-es';
import { spellOutFolds } from './case-folds.js';
import type { Component } from './component.js';
import { assertBoundedCost } from './pattern-cost.js';
import { firstLength, type Pattern, type Span } from './piece.js';
import { spellOutWords } from './word-characters.js';

/** @throws MoeqError for a pattern of another kind, one that is no regular expression, or one of exponential cost */
export function patternOf(component: Component): Pattern {
  const value = component.field('pattern');
  const { String: text, Regex: expression } = isObject(value) ? value : {};
  if (typeof text === 'string') return expressionPattern(new RegExp(escaped(text), 'gu'));
  if (typeof expression !== 'string')
    return component.refuse('a pattern with a text as String or Regex', value);
  assertBoundedCost(expression, component.file);
  try {
    return expressionPattern(
      withoutEmptyComplement(toRegExp(spellOutWords(spellOutFolds(expression)), { global: true })),
    );
  } catch (cause) {
    return component.refuse(
      'a regular expression of Oniguruma as pattern',
      `${expression}: ${quote(String(cause), 80)}`,
      cause,
    );
  }
}

/** The same expression without `[^]`, of which V8 matches but one where `[^]+` stands under the flag v. */
function withoutEmptyComplement(expression: RegExp): RegExp {
  if (!expression.source.includes('[^]')) return expression;
  const source = expression.source.replace(/\\[\s\S]|\[\^\]/gu, (part) =>
    part === '[^]' ? '[\\s\\S]' : part,
  );
  return new RegExp(source, expression.flags);
}

/** @param expression with the flags g, and u or v */
export function expressionPattern(expression: RegExp): Pattern {
  return (text) => {
    const spans: Span[] = [];
    let [covered, from, lastEnd] = [0, 0, -1];
    while (from <= text.length) {
      expression.lastIndex = from;
      const match = expression.exec(text);
      if (match === null) break;
      const [start, end] = [match.index, match.index + match[0].length];
      if (start === end && end === lastEnd) {
        from += Math.max(1, firstLength(text.slice(from, from + 2)));
        continue;
      }
      if (start > covered) spans.push({ start: covered, end: start, matched: false });
      spans.push({ start, end, matched: true });
      [covered, from, lastEnd] = [end, end, end];
    }
    if (covered < text.length) spans.push({ start: covered, end: text.length, matched: false });
    return spans;
  };
}

/** A pattern that matches what another leaves. */
export function inverted(pattern: Pattern): Pattern {
  return (text) => pattern(text).map((span) => ({ ...span, matched: !span.matched }));
}

/** A text as a regular expression that matches it. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');
}
