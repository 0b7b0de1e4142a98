// The parts of JSON text (RFC 8259) as rules of a grammar: a subset that every parser reads alike. Runs that a model could
// draw out for ever are bounded: blanks between values, and the digits of a number to what a float64 holds.
import type { GrammarBuilder, Part } from './grammar.js';
import { type CodeRange, character, maxCodePoint, subtract } from './utf8.js';

/** Blanks in one place: eight levels of indentation by two. */
const maxBlanks = 17;
/** Digits before the point, and behind it: integers below 10^15 are exact in float64. */
export const maxDigits = 15;
const maxFraction = 16;

export class JsonText {
  readonly builder: GrammarBuilder;
  /** Where blanks may stand. */
  readonly blanks: Part;
  readonly string: Part;
  readonly number: Part;
  readonly integer: Part;
  /** Any JSON value. */
  readonly value: Part;
  /** Any object, any array. */
  readonly object: Part;
  readonly array: Part;
  /** One character of a string, in any of its spellings. */
  readonly character: Part;

  constructor(builder: GrammarBuilder) {
    this.builder = builder;
    const rule = (body: Part) => builder.call(builder.rule(body));
    const byte = (text: string) => builder.bytes(text.charCodeAt(0));
    const blank = builder.choice([' ', '\n', '\r', '\t'].map(byte));
    this.blanks = rule(builder.repeat(blank, 0, maxBlanks));
    this.character = rule(builder.choice([plainCharacter(builder), escaped(builder)]));
    this.string = rule(builder.sequence(byte('"'), builder.star(this.character), byte('"')));

    const digit = builder.bytes(0x30, 0x39);
    const natural = builder.choice([
      byte('0'),
      builder.sequence(builder.bytes(0x31, 0x39), builder.repeat(digit, 0, maxDigits - 1)),
    ]);
    const fraction = builder.sequence(byte('.'), builder.repeat(digit, 1, maxFraction));
    const exponent = builder.sequence(
      builder.choice([byte('e'), byte('E')]),
      builder.optional(builder.choice([byte('+'), byte('-')])),
      builder.repeat(digit, 1, 2),
    );
    this.integer = rule(builder.sequence(builder.optional(byte('-')), natural));
    this.number = rule(
      builder.sequence(this.integer, builder.optional(fraction), builder.optional(exponent)),
    );

    const value = builder.declare();
    this.value = builder.call(value);
    const list = (open: string, element: Part, close: string) => {
      const more = builder.star(builder.sequence(this.blanks, byte(','), this.blanks, element));
      return rule(
        builder.sequence(
          byte(open),
          this.blanks,
          builder.optional(builder.sequence(element, more, this.blanks)),
          byte(close),
        ),
      );
    };
    this.array = list('[', this.value, ']');
    this.object = list('{', builder.sequence(this.string, byte(':'), this.blanks, this.value), '}');
    const words = builder.texts(['true', 'false', 'null']);
    builder.define(value, builder.choice([this.object, this.array, this.string, this.number, words]));
  }

  /** A string whose characters are those of `body`, which spells them as JSON does. */
  quoted(body: Part): Part {
    return this.builder.sequence(this.builder.text('"'), body, this.builder.text('"'));
  }
}

const controls: CodeRange = [0, 0x1f];
const quote: CodeRange = [0x22, 0x22];
const backslash: CodeRange = [0x5c, 0x5c];
/** Characters that stand for themselves in a string. */
export const plain: readonly CodeRange[] = subtract([[0, maxCodePoint]], [controls, quote, backslash]);

function plainCharacter(builder: GrammarBuilder): Part {
  return character(builder, plain);
}

/** Characters of a set as a string spells them: plain where that is allowed, otherwise by one escape. */
export function spelled(builder: GrammarBuilder, ranges: readonly CodeRange[]): Part {
  const special = subtract(ranges, plain).flatMap(([first, last]) =>
    Array.from({ length: last - first + 1 }, (_, index) => first + index),
  );
  const texts = special
    // Lone surrogates are no characters.
    .filter((code) => code < 0xd800)
    .map((code) => JSON.stringify(String.fromCodePoint(code)).slice(1, -1));
  return builder.choice([
    character(builder, subtract(ranges, subtract([[0, maxCodePoint]], plain))),
    builder.texts(texts),
  ]);
}

function escaped(builder: GrammarBuilder): Part {
  const short = builder.texts(['"', '\\', '/', 'b', 'f', 'n', 'r', 't']);
  const hex = (from: string, to = from): Part => {
    const edges: Part[] = [];
    for (let digit = Number.parseInt(from, 16); digit <= Number.parseInt(to, 16); digit += 1) {
      const text = digit.toString(16);
      edges.push(builder.texts([text, text.toUpperCase()]));
    }
    return builder.choice(edges);
  };
  const any = builder.call(builder.rule(hex('0', 'f')));
  const notD = builder.choice([hex('0', 'c'), hex('e', 'f')]);
  const one = builder.choice([
    builder.sequence(notD, any, any, any),
    builder.sequence(hex('d'), hex('0', '7'), any, any),
  ]);
  const pair = builder.sequence(
    hex('d'),
    hex('8', 'b'),
    any,
    any,
    builder.text('\\u'),
    hex('d'),
    hex('c', 'f'),
    any,
    any,
  );
  const unicode = builder.sequence(builder.text('u'), builder.choice([one, pair]));
  return builder.sequence(builder.text('\\'), builder.choice([short, unicode]));
}
