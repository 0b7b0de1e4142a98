// JSON of any kind as rules: shared by all grammars with the same blanks. Runs of digits that a model could draw out for
// ever are bounded: integers to those of 64 bits, fractions to what a float64 tells apart.

import type { Rule } from '../rule.js';
import { finished } from '../slices.js';
import { numberRules } from './any-number.js';
import { ArrayRule } from './array.js';
import type { Blanks } from './blanks.js';
import { ChoiceRule } from './choice.js';
import { literalRule } from './literals.js';
import { nameTable } from './name-table.js';
import { ObjectRule } from './object.js';
import { Strings, stringRule } from './string.js';

export interface JsonRules {
  readonly value: Rule;
  readonly object: Rule;
  readonly array: Rule;
  readonly string: Rule;
  readonly number: Rule;
  readonly integer: Rule;
  readonly boolean: Rule;
  readonly null: Rule;
  /** Rules that no grammar of its own lists. */
  readonly all: readonly Rule[];
}

const made = new Map<Blanks, JsonRules>();

export function jsonRules(blanks: Blanks): JsonRules {
  const known = made.get(blanks);
  const rules = known ?? makeRules(blanks);
  made.set(blanks, rules);
  return rules;
}

const noBound = { min: 0, max: Number.POSITIVE_INFINITY };

/** Keys have one spelling, so that no name is written in two ways. */
function anyKeys(): Strings {
  return new Strings({ automaton: null, ...noBound, spelling: 'canonical' });
}

function makeRules(blanks: Blanks): JsonRules {
  const value = new ChoiceRule();
  const string = stringRule({ automaton: null, ...noBound, spelling: 'any' });
  const { integer, number } = numberRules();
  const boolean = literalRule(['false', 'true']);
  const nothing = literalRule(['null']);
  const object = new ObjectRule({
    properties: [],
    names: finished(nameTable([])),
    otherKeys: anyKeys(),
    otherRules: [value],
    ...noBound,
    blanks,
  });
  const array = new ArrayRule({
    prefix: [],
    rest: { plain: value, marked: null },
    ...noBound,
    minMarked: 0,
    maxMarked: Number.POSITIVE_INFINITY,
    blanks,
  });
  value.alternatives = [object, array, string, number, boolean, nothing];
  const all = [value, object, array, string, number, integer, boolean, nothing];
  for (const rule of [object, array, value]) rule.height = 0;
  return { value, object, array, string, number, integer, boolean, null: nothing, all };
}
