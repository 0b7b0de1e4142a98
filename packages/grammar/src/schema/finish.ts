// The last checks of a grammar: how flat the texts of each rule can be, whether any fits at all, and that no rule begins
// with itself.
import { MoeqError } from '@moeq/tensors';
import type { Rule } from '../rule.js';
import { ChoiceRule } from '../rules/choice.js';
import { Pace, type Pausing } from '../slices.js';

/** @throws MoeqError where nothing fits, or a value is nothing but itself */
export function* finish(root: Rule, rules: readonly Rule[], checks: readonly (() => void)[]): Pausing<void> {
  yield* assertNoCircle(rules);
  const pace = new Pace();
  for (let changed = true; changed; ) {
    changed = false;
    // What a rule is made of comes behind it, mostly.
    for (let index = rules.length - 1; index >= 0; index -= 1) {
      const rule = rules[index] as Rule;
      const height = rule.measure();
      if (height < rule.height) {
        rule.height = height;
        changed = true;
      }
      if (pace.due(rule.parts)) yield;
    }
  }
  for (const check of checks) check();
  for (const rule of rules) rule.forget();
  if (root.inhabited) return;
  const why = rules.find((rule) => !rule.inhabited && rule.why !== null)?.why;
  throw refuse(why ?? 'a value within itself without end');
}

/** A choice of itself, as `{ "anyOf": [{ "$ref": "#" }] }`. */
function* assertNoCircle(rules: readonly Rule[]): Pausing<void> {
  const state = new Map<Rule, 'open' | 'done'>();
  const pace = new Pace();
  for (const start of rules) {
    const path: { rule: Rule; next: number }[] = [{ rule: start, next: 0 }];
    while (path.length > 0) {
      if (pace.due()) yield;
      const top = path.at(-1) as { rule: Rule; next: number };
      const below = top.rule instanceof ChoiceRule ? top.rule.alternatives : [];
      if (top.next === 0) {
        if (state.get(top.rule) === 'done') {
          path.pop();
          continue;
        }
        state.set(top.rule, 'open');
      }
      const next = below[top.next];
      top.next += 1;
      if (next === undefined) {
        state.set(top.rule, 'done');
        path.pop();
      } else if (state.get(next) === 'open') throw refuse('a value that is nothing but itself');
      else if (state.get(next) === undefined) path.push({ rule: next, next: 0 });
    }
  }
}

function refuse(found: string): MoeqError {
  return new MoeqError({
    code: 'unsupportedSchema',
    operation: 'compile',
    subject: 'the schema',
    expected: 'values that fit and that end',
    found,
  });
}
