// What schemas in one place say about strings: patterns, formats and excluded texts become one automaton, lengths are
// counted beside it.
import { allCharacters, CharacterClasses } from '../automata/characters.js';
import { type Automaton, explore, run } from '../automata/explore.js';
import { patternRegex } from '../automata/pattern.js';
import { type Regex, RegexBuilder } from '../automata/regex.js';
import type { StringTexts } from '../rules/string.js';
import type { Spelling } from '../rules/string-escapes.js';
import type { Context, Pausing } from './context.js';
import { least, most, place, refuse, type Schema } from './fields.js';
import { formats, freeFormats, numberFormats } from './formats.js';
import type { Joined } from './items.js';
import { excluded, unlike } from './negate.js';

/** States of the automaton of one string: a host name of 253 characters in labels of 63 has 16,000. */
const maxStates = 20_000;
/** Parts of expressions looked at on the way to it: a second or two, and some 100 MB. */
const maxParts = 3_000_000;

/** A condition on a text. */
export interface TextCondition {
  readonly kind: 'matches' | 'differs' | 'is not';
  /** A pattern, or the text. */
  readonly text: string;
  readonly path: string;
}

export interface StringConditions {
  readonly conditions: readonly TextCondition[];
  readonly min: number;
  readonly max: number;
}

/** @throws MoeqError for a format that is not known */
export function stringConditions(items: readonly Joined[]): StringConditions {
  const conditions: TextCondition[] = [];
  const hasPattern = items.some(({ schema }) => schema.pattern !== undefined);
  for (const { schema, path } of items) {
    if (schema.pattern !== undefined) {
      const at = place(path, 'pattern');
      if (typeof schema.pattern !== 'string') throw refuse(at, 'a regular expression', schema.pattern);
      conditions.push({ kind: 'matches', text: schema.pattern, path: at });
    }
    const format = formatOf(schema, path, hasPattern);
    if (format !== null)
      conditions.push({ kind: 'matches', text: `^(?:${format})$`, path: place(path, 'format') });
    for (const text of listOf(schema[unlike])) conditions.push({ kind: 'differs', text: String(text), path });
    for (const value of listOf(schema[excluded])) {
      if (typeof value === 'string') conditions.push({ kind: 'is not', text: value, path });
    }
  }
  return {
    conditions,
    min: Math.max(0, ...items.map(({ schema, path }) => least(schema, 'minLength', path))),
    max: Math.min(
      Number.POSITIVE_INFINITY,
      ...items.map(({ schema, path }) => most(schema, 'maxLength', path)),
    ),
  };
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

/** The expression of a format; null: none is asked for. Beside a pattern, a format of another library only names it. */
function formatOf({ format }: Schema, path: string, hasPattern: boolean): string | null {
  if (format === undefined || format === null) return null;
  const name = String(format);
  if (freeFormats.has(name) || Object.hasOwn(numberFormats, name)) return null;
  const known = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (known !== undefined) return known;
  if (hasPattern) return null;
  const expected = `one of ${[...Object.keys(formats), ...freeFormats].join(', ')}, or a pattern beside it`;
  throw refuse(place(path, 'format'), expected, format);
}

/** null: no text fits. */
export function* stringTexts(
  items: readonly Joined[],
  spelling: Spelling,
  context: Context,
): Pausing<StringTexts | null> {
  const { conditions, max, min } = stringConditions(items);
  if (min > max) return null;
  if (conditions.length === 0) return { automaton: null, min, max, spelling };
  const automaton = yield* textAutomaton(conditions, min, context);
  return automaton === null ? null : { automaton, min: 0, max, spelling: 'canonical' };
}

function* textAutomaton(
  conditions: readonly TextCondition[],
  min: number,
  context: Context,
): Pausing<Automaton | null> {
  const key = JSON.stringify([conditions.map(({ kind, text }) => [kind, text]), min]);
  const known = context.automata.get(key);
  if (known !== undefined) return known;
  const builder = new RegexBuilder();
  const parts = conditions.map((condition) => conditionRegex(builder, condition));
  if (min > 0) parts.push(atLeast(builder, min));
  const automaton = yield* regexAutomaton(
    builder,
    [builder.and(...parts)],
    ([regex]) => (regex?.nullable === true ? 0 : -1),
    conditions[0]?.path ?? '',
    context,
  );
  context.automata.set(key, automaton);
  return automaton;
}

/** Texts of so many characters, or more. */
export function atLeast(builder: RegexBuilder, min: number): Regex {
  return builder.repeat(builder.set(allCharacters), min, Number.POSITIVE_INFINITY);
}

export function conditionRegex(builder: RegexBuilder, { kind, path, text }: TextCondition): Regex {
  if (kind === 'is not') return builder.not(builder.text(text));
  const regex = patternRegex(builder, text, path);
  return kind === 'differs' ? builder.not(regex) : regex;
}

/**
 * Expressions that read the same text side by side.
 * @param label says what kind of text ends where they are what is left
 * @returns null where no text ends
 * @throws MoeqError where they need too many states
 */
export function* regexAutomaton(
  builder: RegexBuilder,
  start: readonly Regex[],
  label: (left: readonly Regex[]) => number,
  path: string,
  context: Context,
): Pausing<Automaton | null> {
  const classes = new CharacterClasses(builder.sets);
  const found = yield* explore(
    {
      start,
      key: (left: readonly Regex[]) => left.map(({ id }) => id).join(),
      step: (left, characterClass, code) =>
        left.map((regex) => builder.derivative(regex, code, characterClass)),
      label,
      cost: { spent: () => builder.spent, limit: maxParts },
    },
    classes,
    maxStates,
  );
  if (found === 'tooLarge') {
    throw refuse(
      path,
      `a text of at most ${maxStates} states (shorter repetitions, fewer alternatives)`,
      'more',
    );
  }
  context.work(builder.spent, path);
  if (found !== null) context.charge(found, path);
  return found;
}

/** Whether a text is one of them. */
export function hasText({ automaton, max, min }: StringTexts, text: string): boolean {
  if (min > 0 || max < text.length) {
    const { length } = [...text];
    if (length < min || length > max) return false;
  }
  if (automaton === null) return true;
  const end = run(automaton, text);
  return end >= 0 && (automaton.labels[end] as number) >= 0;
}
