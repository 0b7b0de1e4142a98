// Requests as clients have come to write them, beside what OpenAI documents: rewritten to the documented form, and each kind
// named, so that nothing passes in silence. A strict server does without.
import { JsonNumber } from '@moeq/runtime';
import { type Fields, isFields, type Note } from './tolerated-fields.js';
import { toleratedMessages } from './tolerated-messages.js';

export interface Tolerated {
  readonly body: unknown;
  /** What was rewritten, in words, once for each kind. */
  readonly adapted: readonly string[];
}

/**
 * @param sent a parsed body
 * @param exact reads it without loss of numbers; called where a number was lost
 */
export function tolerated(sent: unknown, exact: () => Fields): Tolerated {
  if (!isFields(sent)) return { body: sent, adapted: [] };
  const adapted = new Set<string>();
  const note: Note = (path, how) => adapted.add(`${path}: ${how}`);
  const body: Record<string, unknown> = { ...sent };
  for (const [field, tolerate] of Object.entries(rules)) {
    const value = body[field];
    const kept = tolerate(value, note, exact);
    if (kept === undefined) delete body[field];
    else if (kept !== value) body[field] = kept;
  }
  return { body, adapted: [...adapted] };
}

/** @returns the field as it is documented; undefined: as if it were absent */
type Rule = (value: unknown, note: Note, exact: () => Fields) => unknown;

const off =
  (field: string): Rule =>
  (value, note) => {
    if (value !== -1) return value;
    note(field, '-1 is read as off');
    return undefined;
  };

/** Fields that tools took the place of: those that ask for nothing. */
const retired =
  (field: string, empty: (value: unknown) => boolean): Rule =>
  (value, note) => {
    if (!empty(value)) return value;
    note(field, 'asks for nothing and is left out');
    return undefined;
  };

const rules: Readonly<Record<string, Rule>> = {
  model: (value, note) => {
    if (value !== undefined && value !== null) return value;
    note('model', 'absent, the model that is served answers');
    return '';
  },
  seed: (value, note, exact) => {
    if (typeof value !== 'number' || !Number.isInteger(value)) return value;
    if (Number.isSafeInteger(value) && value >= -1) return value;
    note('seed', 'beyond 0 to 2^53 - 1, its lowest 53 bits are used');
    return lowBits(exact().seed, value);
  },
  stop: (value, note) => {
    const kept = Array.isArray(value) ? value.filter((text) => text !== '') : value;
    if (kept !== '' && (!Array.isArray(value) || value.length === (kept as unknown[]).length)) return value;
    note('stop', 'empty texts are left out');
    return kept === '' ? undefined : kept;
  },
  logit_bias: (value, note) => {
    if (!Array.isArray(value) || value.length > 0) return value;
    note('logit_bias', 'an empty list is read as no bias');
    return undefined;
  },
  top_p: off('top_p'),
  min_p: off('min_p'),
  functions: retired('functions', (value) => Array.isArray(value) && value.length === 0),
  function_call: retired('function_call', (value) => value === 'none' || value === 'auto'),
  tool_choice: (value, note) => {
    const choice = documentedChoice(value);
    if (choice !== value) note('tool_choice', "'any', or an object with a type, is read as OpenAI's form");
    return choice;
  },
  messages: (value, note, exact) =>
    Array.isArray(value) ? toleratedMessages(value, note, () => exact().messages) : value,
};

/** Bits 0 to 52 of an integer, exact where it was written in digits. */
function lowBits(exact: unknown, rounded: number): number {
  const digits = exact instanceof JsonNumber && /^-?\d+$/.test(exact.source) ? exact.source : rounded;
  return Number(BigInt.asUintN(53, BigInt(digits)));
}

/** `any` as Anthropic and Mistral say it, `{ type: 'auto' }`, and a function's name beside its type. */
function documentedChoice(value: unknown): unknown {
  const word = isFields(value) && Object.keys(value).length === 1 ? value.type : value;
  if (word === 'any') return 'required';
  if (word === 'none' || word === 'auto' || word === 'required') return word;
  if (isFields(value) && (value.type === 'function' || value.type === 'tool')) {
    const { name } = value;
    if (typeof name === 'string') return { type: 'function', function: { name } };
  }
  return value;
}
