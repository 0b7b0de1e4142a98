// Numbers of JSON without bounds of a schema, as regular expressions read by one automaton each.
import { type CodeRange, classesOfFew } from '../automata/characters.js';
import { type Automaton, explore } from '../automata/explore.js';
import { type Regex, RegexBuilder } from '../automata/regex.js';
import type { Rule } from '../rule.js';
import { tableRule } from './table.js';

/** Digits of integers, and before the point: those of 64 bits. */
export const maxDigits = 19;
/** Digits behind the point. */
export const maxFraction = 16;

export function numberRules(): { readonly integer: Rule; readonly number: Rule } {
  return {
    integer: rule((builder) => integer(builder)),
    number: rule((builder) => {
      const digits = builder.repeat(range(builder, '0', '9'), 1, maxFraction);
      const fraction = builder.repeat(builder.sequence(builder.text('.'), digits), 0, 1);
      const sign = builder.repeat(builder.or(builder.text('+'), builder.text('-')), 0, 1);
      const letter = builder.or(builder.text('e'), builder.text('E'));
      const power = builder.repeat(range(builder, '0', '9'), 1, 2);
      const exponent = builder.repeat(builder.sequence(letter, sign, power), 0, 1);
      const zero = builder.sequence(builder.text('-0'), fraction, exponent);
      return builder.or(builder.sequence(integer(builder), fraction, exponent), zero);
    }),
  };
}

function integer(builder: RegexBuilder): Regex {
  const more = builder.repeat(range(builder, '0', '9'), 0, maxDigits - 1);
  const whole = builder.sequence(range(builder, '1', '9'), more);
  return builder.or(builder.text('0'), builder.sequence(builder.repeat(builder.text('-'), 0, 1), whole));
}

function range(builder: RegexBuilder, first: string, last: string): Regex {
  const codes: CodeRange = [first.charCodeAt(0), last.charCodeAt(0)];
  return builder.set([codes]);
}

function rule(write: (builder: RegexBuilder) => Regex): Rule {
  const builder = new RegexBuilder();
  const start = write(builder);
  const classes = classesOfFew(builder.sets);
  const exploring = explore(
    {
      start,
      key: (regex: Regex) => regex.id,
      step: (regex, characterClass, code) => {
        const next = builder.derivative(regex, code, characterClass);
        return next === builder.nothing ? null : next;
      },
      label: (regex) => (regex.nullable ? 0 : -1),
    },
    classes,
    1000,
  );
  let result = exploring.next();
  while (result.done !== true) result = exploring.next();
  return tableRule(result.value as Automaton);
}
