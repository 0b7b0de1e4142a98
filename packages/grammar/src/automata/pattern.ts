// Regular expressions of ECMAScript as expressions that derivatives read. As in JSON Schema a pattern may match anywhere
// unless `^` and `$` hold it. What follows an element is known when it is read, so a look-ahead becomes an intersection
// with what follows. Look-behind, word boundaries and references to groups are no part of this; they are refused.
import { MoeqError, quote } from '@moeq/tensors';
import type { Pausing } from '../slices.js';
import { parseClassEscape, parseSet, prepareProperties } from './character-sets.js';
import { allCharacters, type CodeRange, complement } from './characters.js';
import { type Cursor, cursorOf } from './cursor.js';
import type { Regex, RegexBuilder } from './regex.js';

const lineEnds: readonly CodeRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];

/** Repetitions, and characters, that a pattern may have. */
const maxRepeat = 10_000;
const maxLength = 4000;
/** Elements that are written: those of the pattern twice, and of repeated look-ahead as often as it is repeated. */
const maxWritten = 20_000;
/** Groups within groups. */
const maxNesting = 60;

/** An element of a pattern. */
type PatternElement =
  | { readonly kind: 'set'; readonly ranges: readonly CodeRange[] }
  | { readonly kind: 'start' | 'end' }
  | { readonly kind: 'sequence' | 'choice'; readonly parts: readonly PatternElement[] }
  | { readonly kind: 'repeat'; readonly body: PatternElement; readonly min: number; readonly max: number }
  | { readonly kind: 'look'; readonly body: PatternElement; readonly negative: boolean };

/**
 * The texts that a pattern matches.
 * @param subject for errors, e.g. `schema#/properties/name/pattern`
 * @throws MoeqError for what is no regular expression, or one of a kind that is not supported
 */
export function* patternRegex(builder: RegexBuilder, source: string, subject: string): Pausing<Regex> {
  const refuse = (expected: string): MoeqError =>
    new MoeqError({
      code: 'unsupportedSchema',
      operation: 'compile the pattern',
      subject,
      expected,
      found: quote(source),
    });
  if (source.length > maxLength) throw refuse(`at most ${maxLength} characters`);
  const readable = escapedByCode(source);
  try {
    new RegExp(readable, 'u');
  } catch {
    throw refuse('a regular expression');
  }
  yield* prepareProperties(source, refuse);
  const element = new Parser(cursorOf(readable, refuse)).parse();
  const writer = new Writer(builder, refuse);
  const atStart = writer.write(element, builder.anything, true);
  const later = writer.write(element, builder.anything, false);
  const any = builder.set(allCharacters);
  return builder.or(atStart, builder.sequence(any, builder.repeat(any, 0, Number.POSITIVE_INFINITY), later));
}

/**
 * The pattern with escaped punctuation by its code: ECMAScript's `u` flag refuses `\-`, `\@` and their kin, which Python and
 * patterns without the flag have, and which can mean nothing but themselves.
 */
function escapedByCode(source: string): string {
  return source.replace(/\\([\s\S])/gu, (whole, character: string) =>
    /[-!"#%&',:;<=>@`~_ ]/.test(character)
      ? `\\x${character.charCodeAt(0).toString(16).padStart(2, '0')}`
      : whole,
  );
}

class Parser {
  readonly #cursor: Cursor;
  #depth = 0;

  constructor(cursor: Cursor) {
    this.#cursor = cursor;
  }

  parse(): PatternElement {
    const element = this.#choice();
    if (!this.#cursor.done) throw this.#unsupported();
    return element;
  }

  #choice(): PatternElement {
    const parts = [this.#sequence()];
    while (this.#cursor.take('|')) parts.push(this.#sequence());
    return parts.length === 1 ? (parts[0] as PatternElement) : { kind: 'choice', parts };
  }

  #sequence(): PatternElement {
    const parts: PatternElement[] = [];
    for (;;) {
      const next = this.#cursor.peek();
      if (next === '' || next === '|' || next === ')') return { kind: 'sequence', parts };
      parts.push(this.#repeated(this.#atom()));
    }
  }

  #repeated(body: PatternElement): PatternElement {
    const [text, least, comma, most] = this.#cursor.match(/^(?:[*+?]|\{(\d+)(,?)(\d*)\})/) ?? [];
    if (text === undefined) return body;
    // Whether it is greedy makes no difference to what matches.
    this.#cursor.take('?');
    const bounds: Readonly<Record<string, readonly [number, number]>> = {
      '*': [0, Number.POSITIVE_INFINITY],
      '+': [1, Number.POSITIVE_INFINITY],
      '?': [0, 1],
    };
    const min = Number(least);
    const counted = [
      min,
      comma === '' ? min : most === '' ? Number.POSITIVE_INFINITY : Number(most),
    ] as const;
    const [low, high] = bounds[text] ?? counted;
    if (low > maxRepeat || (high !== Number.POSITIVE_INFINITY && high > maxRepeat)) {
      throw this.#cursor.refuse(`at most ${maxRepeat} repetitions`);
    }
    return { kind: 'repeat', body, min: low, max: high };
  }

  #atom(): PatternElement {
    const next = this.#cursor.next();
    if (next === '(') return this.#group();
    if (next === '^') return { kind: 'start' };
    if (next === '$') return { kind: 'end' };
    if (next === '[') return { kind: 'set', ranges: parseSet(this.#cursor) };
    if (next === '.') return { kind: 'set', ranges: complement(lineEnds) };
    if (next === '\\') return { kind: 'set', ranges: parseClassEscape(this.#cursor) };
    if ('*+?{}]'.includes(next)) throw this.#unsupported();
    const code = next.codePointAt(0) ?? 0;
    return { kind: 'set', ranges: [[code, code]] };
  }

  #group(): PatternElement {
    this.#depth += 1;
    if (this.#depth > maxNesting) throw this.#cursor.refuse(`at most ${maxNesting} groups within each other`);
    let look: boolean | null = null;
    if (this.#cursor.take('?')) {
      if (this.#cursor.take('=')) look = false;
      else if (this.#cursor.take('!')) look = true;
      else if (!this.#cursor.take(':') && this.#cursor.match(/^<[\p{L}_$][\p{L}\d_$]*>/u) === null)
        throw this.#unsupported();
    }
    const body = this.#choice();
    if (!this.#cursor.take(')')) throw this.#unsupported();
    this.#depth -= 1;
    return look === null ? body : { kind: 'look', body, negative: look };
  }

  #unsupported(): MoeqError {
    return this.#cursor.refuse(
      'characters, sets, groups, alternatives, repetitions, look-ahead, ^ and $ (no look-behind, boundaries or references)',
    );
  }
}

/** Elements as expressions, from behind: each is written before what follows it. */
class Writer {
  readonly #builder: RegexBuilder;
  readonly #refuse: (expected: string) => MoeqError;
  #written = 0;

  constructor(builder: RegexBuilder, refuse: (expected: string) => MoeqError) {
    this.#builder = builder;
    this.#refuse = refuse;
  }

  /** @param first the element stands at the beginning of the text */
  write(element: PatternElement, rest: Regex, first: boolean): Regex {
    const builder = this.#builder;
    this.#written += 1;
    if (this.#written > maxWritten) throw this.#refuse('look-ahead, ^ and $ outside of repetitions');
    switch (element.kind) {
      case 'set':
        return builder.sequence(this.#set(element.ranges), rest);
      case 'start':
        return first ? rest : builder.nothing;
      case 'end':
        return builder.and(builder.empty, rest);
      case 'look': {
        const seen = this.write(element.body, builder.anything, first);
        return builder.and(element.negative ? builder.not(seen) : seen, rest);
      }
      case 'choice':
        return builder.or(...element.parts.map((part) => this.write(part, rest, first)));
      case 'sequence':
        return this.#sequence(element.parts, rest, first);
      case 'repeat':
        return this.#repeat(element, rest, first);
    }
  }

  #sequence(parts: readonly PatternElement[], rest: Regex, first: boolean): Regex {
    const firsts: boolean[] = [];
    let at = first;
    for (const part of parts) {
      firsts.push(at);
      const width = widthOf(part);
      if (at && width === 'some' && hasStart(parts.slice(firsts.length))) {
        throw this.#refuse('^ at the beginning, not behind what may be empty');
      }
      at &&= width === 'none';
    }
    return parts.reduceRight((behind, part, index) => this.write(part, behind, firsts[index] ?? false), rest);
  }

  #repeat({ body, min, max }: PatternElement & { kind: 'repeat' }, rest: Regex, first: boolean): Regex {
    if (!asserts([body])) {
      return this.#builder.sequence(this.#builder.repeat(this.#plain(body), min, max), rest);
    }
    // What a look-ahead sees differs from one repetition to the next.
    if (max > 8) throw this.#refuse('look-ahead, ^ and $ outside of long repetitions');
    let behind = rest;
    for (let count = max; count > 0; count -= 1) {
      const once = this.write(body, behind, first && count === 1);
      behind = count > min ? this.#builder.or(once, rest) : once;
    }
    return behind;
  }

  /** An element without assertions, by itself. */
  #plain(element: PatternElement): Regex {
    return this.write(element, this.#builder.empty, false);
  }

  #set(ranges: readonly CodeRange[]): Regex {
    const kept = complement(complement(ranges));
    if (kept.length === 0) throw this.#refuse('sets that are not empty');
    return this.#builder.set(kept);
  }
}

/** Whether some element looks at where it stands. */
function asserts(elements: readonly PatternElement[]): boolean {
  return elements.some((element) => {
    if (element.kind === 'repeat') return asserts([element.body]);
    if (element.kind === 'sequence' || element.kind === 'choice') return asserts(element.parts);
    return element.kind !== 'set';
  });
}

/** Whether some element asks for the beginning of the text. */
function hasStart(elements: readonly PatternElement[]): boolean {
  return elements.some((element) => {
    if (element.kind === 'sequence' || element.kind === 'choice') return hasStart(element.parts);
    return element.kind === 'start' || ('body' in element && hasStart([element.body]));
  });
}

/** Whether an element reads no character, at least one, or either. */
function widthOf(element: PatternElement): 'none' | 'some' | 'one' {
  switch (element.kind) {
    case 'set':
      return 'one';
    case 'start':
    case 'end':
    case 'look':
      return 'none';
    case 'repeat': {
      if (element.max === 0) return 'none';
      const width = widthOf(element.body);
      return element.min === 0 && width === 'one' ? 'some' : width;
    }
    case 'sequence':
    case 'choice': {
      const widths = element.parts.map(widthOf);
      if (widths.every((width) => width === 'none')) return 'none';
      const one = (width: string) => width === 'one';
      if (element.kind === 'sequence' ? widths.some(one) : widths.every(one)) return 'one';
      return 'some';
    }
  }
}
