// What schemas in one place say about strings: patterns, formats and excluded texts become one automaton, lengths are
// counted beside it.
import type { MoeqError } from '@moeq/tensors';
import { allCharacters, classesOf } from '../automata/characters.js';
import { type Automaton, explore, follow } from '../automata/explore.js';
import { patternRegex } from '../automata/pattern.js';
import { type Regex, RegexBuilder } from '../automata/regex.js';
import { textsRegex } from '../automata/texts.js';
import type { StringTexts } from '../rules/string.js';
import type { Spelling } from '../rules/string-escapes.js';
import type { Pace, Pausing } from '../slices.js';
import type { Context } from './context.js';
import { least, most, place, refuse, type Schema } from './fields.js';
import { formats, freeFormats, libraryFormats, numberFormats } from './formats.js';
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

/** @throws MoeqError for a format that is not known, where those are no annotations */
export function stringConditions(items: readonly Joined[], context: Context): StringConditions {
  const conditions: TextCondition[] = [];
  const hasPattern = items.some(({ schema }) => schema.pattern !== undefined);
  for (const { schema, path } of items) {
    if (schema.pattern !== undefined) {
      const at = place(path, 'pattern');
      if (typeof schema.pattern !== 'string') throw refuse(at, 'a regular expression', schema.pattern);
      conditions.push({ kind: 'matches', text: schema.pattern, path: at });
    }
    const format = formatOf(schema, path, hasPattern, context);
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
function formatOf({ format }: Schema, path: string, hasPattern: boolean, context: Context): string | null {
  if (format === undefined || format === null) return null;
  const name = String(format);
  if (freeFormats.has(name) || Object.hasOwn(numberFormats, name)) return null;
  const known = Object.hasOwn(formats, name) ? formats[name] : undefined;
  if (known !== undefined) return known;
  if (hasPattern) return null;
  if (Object.hasOwn(libraryFormats, name)) return libraryFormats[name] ?? null;
  const expected = `one of ${[...Object.keys(formats), ...freeFormats].join(', ')}, or a pattern beside it`;
  if (typeof format !== 'string' || context.strictFormats)
    throw refuse(place(path, 'format'), expected, format);
  context.annotations.add(format);
  return null;
}

/** null: no text fits. */
export function* stringTexts(
  items: readonly Joined[],
  spelling: Spelling,
  context: Context,
): Pausing<StringTexts | null> {
  const { conditions, max, min } = stringConditions(items, context);
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
  const parts = yield* conditionsRegex(builder, conditions);
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

/** Expressions that all hold together. */
export function* conditionsRegex(
  builder: RegexBuilder,
  conditions: readonly TextCondition[],
): Pausing<Regex[]> {
  const result: Regex[] = [];
  const taken: string[] = [];
  for (const { kind, path, text } of conditions) {
    if (kind === 'is not') {
      taken.push(text);
      continue;
    }
    const regex = yield* patternRegex(builder, text, path);
    result.push(kind === 'differs' ? builder.not(regex) : regex);
    yield;
  }
  if (taken.length > 0) result.push(builder.not(yield* textsRegex(builder, taken)));
  return result;
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
  const classes = yield* classesOf(builder.sets);
  if (classes === null) throw tooLarge(path);
  const found = yield* explore(
    {
      start,
      key: (left: readonly Regex[]) => left.map(({ id }) => id).join(),
      step: (left, characterClass, code) =>
        left.map((regex) => builder.derivative(regex, code, characterClass)),
      prepare: function* (left, characterClass, code) {
        for (const regex of left) yield* builder.prepare(regex, code, characterClass);
      },
      label,
      cost: { spent: () => builder.spent, limit: maxParts },
    },
    classes,
    maxStates,
  );
  if (found === 'tooLarge') throw tooLarge(path);
  context.work(builder.spent, path);
  if (found !== null) context.charge(found, path);
  return found;
}

function tooLarge(path: string): MoeqError {
  const expected = `a text of at most ${maxStates} states (shorter repetitions, fewer alternatives)`;
  return refuse(path, expected, 'more');
}

/** Whether a text is one of them. */
export function* hasText({ automaton, max, min }: StringTexts, text: string, pace: Pace): Pausing<boolean> {
  let [length, state] = [0, 0];
  for (const character of text) {
    length += 1;
    if (length > max) return false;
    if (automaton !== null) state = follow(automaton, state, character);
    if (state < 0) return false;
    if (pace.due(automaton === null ? 1 / 64 : 1)) yield;
  }
  return length >= min && (automaton === null || (automaton.labels[state] as number) >= 0);
}
