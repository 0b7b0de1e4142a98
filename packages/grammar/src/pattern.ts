// Regular expressions, in the part of ECMAScript's syntax that describes a regular language, as automata over the
// characters of a JSON string. As in JSON Schema a pattern may match anywhere unless `^` and `$` hold it.
import { MoeqError, quote } from '@moeq/tensors';
import type { GrammarBuilder, Part } from './grammar.js';
import { spelled } from './json-text.js';
import { type CodeRange, maxCodePoint, subtract } from './utf8.js';

const all: readonly CodeRange[] = [[0, maxCodePoint]];
const digit: readonly CodeRange[] = [[0x30, 0x39]];
const word: readonly CodeRange[] = [
  [0x30, 0x39],
  [0x41, 0x5a],
  [0x5f, 0x5f],
  [0x61, 0x7a],
];
const space: readonly CodeRange[] = [
  [0x09, 0x0d],
  [0x20, 0x20],
  [0xa0, 0xa0],
  [0x1680, 0x1680],
  [0x2000, 0x200a],
  [0x2028, 0x2029],
  [0x202f, 0x202f],
  [0x205f, 0x205f],
  [0x3000, 0x3000],
  [0xfeff, 0xfeff],
];
const lineEnds: readonly CodeRange[] = [
  [0x0a, 0x0a],
  [0x0d, 0x0d],
  [0x2028, 0x2029],
];
const classes: Readonly<Record<string, readonly CodeRange[]>> = {
  d: digit,
  D: subtract(all, digit),
  w: word,
  W: subtract(all, word),
  s: space,
  S: subtract(all, space),
};
const controls: Readonly<Record<string, number>> = { t: 9, n: 10, v: 11, f: 12, r: 13, 0: 0 };

/** Repetitions, and characters, that a pattern may have. */
const maxRepeat = 1000;
const maxLength = 1000;

/**
 * The characters of a string that matches; quotes around it are the caller's.
 * @param subject for errors, e.g. `schema.properties.name.pattern`
 * @throws MoeqError for what is no regular expression, or one of a kind that is not supported
 */
export function pattern(builder: GrammarBuilder, source: string, subject: string): Part {
  return new PatternParser(builder, source, subject).parse();
}

class PatternParser {
  readonly #builder: GrammarBuilder;
  readonly #source: string;
  readonly #subject: string;
  readonly #characters: readonly string[];
  #at = 0;

  constructor(builder: GrammarBuilder, source: string, subject: string) {
    this.#builder = builder;
    this.#source = source;
    this.#subject = subject;
    this.#characters = [...source];
  }

  parse(): Part {
    if (this.#characters.length > maxLength) throw this.#refuse(`at most ${maxLength} characters`);
    try {
      new RegExp(this.#source, 'u');
    } catch {
      throw this.#refuse('a regular expression');
    }
    const anything = this.#builder.star(spelled(this.#builder, all));
    const alternatives: Part[] = [];
    do {
      const starts = this.#take('^');
      const body = this.#sequence();
      const ends = this.#take('$');
      alternatives.push(
        this.#builder.sequence(...(starts ? [] : [anything]), body, ...(ends ? [] : [anything])),
      );
    } while (this.#take('|'));
    if (this.#at < this.#characters.length) throw this.#unsupported();
    return this.#builder.choice(alternatives);
  }

  #sequence(): Part {
    const parts: Part[] = [];
    for (;;) {
      const next = this.#characters[this.#at];
      if (next === undefined || next === '|' || next === ')' || next === '$')
        return this.#builder.sequence(...parts);
      parts.push(this.#repeated(this.#atom()));
    }
  }

  #repeated(part: Part): Part {
    const rest = this.#characters.slice(this.#at, this.#at + 20).join('');
    const [text, least, comma, most] = /^(?:[*+?]|\{(\d+)(,?)(\d*)\})/.exec(rest) ?? [];
    if (text === undefined) return part;
    this.#at += text.length;
    // Whether it is greedy makes no difference to what matches.
    this.#take('?');
    const bounds: Readonly<Record<string, readonly [number, number]>> = {
      '*': [0, Infinity],
      '+': [1, Infinity],
      '?': [0, 1],
    };
    const min = Number(least);
    const counted = [min, comma === '' ? min : most === '' ? Infinity : Number(most)] as const;
    const [low, high] = bounds[text] ?? counted;
    if (low > maxRepeat || (high !== Infinity && high > maxRepeat)) {
      throw this.#refuse(`at most ${maxRepeat} repetitions`);
    }
    return this.#builder.repeat(part, low, high);
  }

  #atom(): Part {
    const next = this.#characters[this.#at] ?? '';
    this.#at += 1;
    if (next === '(') return this.#group();
    if (next === '[') return this.#set(this.#classRanges());
    if (next === '.') return this.#set(subtract(all, lineEnds));
    if (next === '\\') return this.#set(this.#escape());
    if ('^*+?{}]'.includes(next)) throw this.#unsupported();
    const code = next.codePointAt(0) ?? 0;
    return this.#set([[code, code]]);
  }

  #group(): Part {
    if (this.#take('?')) {
      const named = /^<[A-Za-z_$][\w$]*>/.exec(this.#characters.slice(this.#at, this.#at + 80).join(''));
      if (named !== null) this.#at += named[0].length;
      else if (!this.#take(':')) throw this.#unsupported();
    }
    const alternatives = [this.#sequence()];
    while (this.#take('|')) alternatives.push(this.#sequence());
    if (!this.#take(')')) throw this.#unsupported();
    return this.#builder.choice(alternatives);
  }

  #classRanges(): readonly CodeRange[] {
    const inverted = this.#take('^');
    const ranges: CodeRange[] = [];
    while (!this.#take(']')) {
      const first = this.#classItem();
      const [low] = first[0] ?? [0];
      const isRange = this.#characters[this.#at] === '-' && this.#characters[this.#at + 1] !== ']';
      if (!isRange) {
        ranges.push(...first);
        continue;
      }
      this.#at += 1;
      const [high] = this.#classItem()[0] ?? [0];
      ranges.push([low, high]);
    }
    return inverted ? subtract(all, ranges) : ranges;
  }

  #classItem(): readonly CodeRange[] {
    const next = this.#characters[this.#at] ?? '';
    this.#at += 1;
    if (next === '\\') return this.#escape();
    const code = next.codePointAt(0) ?? 0;
    return [[code, code]];
  }

  #escape(): readonly CodeRange[] {
    const next = this.#characters[this.#at] ?? '';
    this.#at += 1;
    const known = Object.hasOwn(classes, next) ? classes[next] : undefined;
    if (known !== undefined) return known;
    const rest = this.#characters.slice(this.#at, this.#at + 8).join('');
    const forms = { x: /^([0-9a-f]{2})/i, u: /^(?:([0-9a-f]{4})|\{([0-9a-f]{1,6})\})/i } as const;
    if (next === 'x' || next === 'u') {
      const hex = forms[next].exec(rest);
      if (hex === null) throw this.#unsupported();
      this.#at += hex[0].length;
      const code = Number.parseInt(hex[1] ?? hex[2] ?? '', 16);
      return [[code, code]];
    }
    const control = Object.hasOwn(controls, next) ? controls[next] : undefined;
    if (control !== undefined) return [[control, control]];
    // Word boundaries, properties, references to groups.
    if (/[A-Za-z1-9]/.test(next)) throw this.#unsupported();
    const code = next.codePointAt(0) ?? 0;
    return [[code, code]];
  }

  #set(ranges: readonly CodeRange[]): Part {
    if (subtract(ranges, [[0xd800, 0xdfff]]).length === 0) throw this.#refuse('sets that are not empty');
    return spelled(this.#builder, ranges);
  }

  #take(character: string): boolean {
    if (this.#characters[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  #unsupported(): MoeqError {
    return this.#refuse(
      'characters, sets, groups, alternatives, repetitions, and ^ and $ at the ends of alternatives',
    );
  }

  #refuse(expected: string): MoeqError {
    return new MoeqError({
      operation: 'compile the pattern',
      subject: this.#subject,
      expected,
      found: quote(this.#source),
    });
  }
}
