// Whether a grammar can be followed to an end: every rule has a finite text, and none calls itself before it has read a
// byte, as `{ "$ref": "#" }` does.
import { MoeqError } from '@moeq/tensors';
import type { Grammar } from './grammar.js';

/** @throws MoeqError when no finite text fits, or a rule begins with itself */
export function assertFinite(grammar: Grammar): void {
  if (!endingRules(grammar).has(grammar.root)) throw endless('a value within itself without end');
  const nullable = endingRules({
    ...grammar,
    states: grammar.states.map((state) => ({ ...state, edges: [] })),
  });
  const visiting = new Set<number>();
  const done = new Set<number>();
  const visit = (rule: number): void => {
    if (done.has(rule)) return;
    if (visiting.has(rule)) throw endless('a value that is nothing but itself');
    visiting.add(rule);
    for (const called of firstCalls(grammar, rule, nullable)) visit(called);
    visiting.delete(rule);
    done.add(rule);
  };
  for (const rule of grammar.rules.keys()) visit(rule);
}

/** Rules that have an end over the edges that are there. */
function endingRules({ states, rules }: Grammar): Set<number> {
  const ending = new Set<number>();
  for (let grown = true; grown; ) {
    grown = false;
    for (const [rule, start] of rules.entries()) {
      if (ending.has(rule)) continue;
      const reached = new Set([start]);
      for (const index of reached) {
        const state = states[index];
        for (const { to } of state?.edges ?? []) reached.add(to);
        for (const to of state?.empty ?? []) reached.add(to);
        for (const call of state?.calls ?? []) if (ending.has(call.rule)) reached.add(call.to);
        if (state?.final !== true) continue;
        ending.add(rule);
        grown = true;
        break;
      }
    }
  }
  return ending;
}

/** Rules that a rule may call before it reads a byte. */
function firstCalls({ states, rules }: Grammar, rule: number, nullable: ReadonlySet<number>): Set<number> {
  const calls = new Set<number>();
  const reached = new Set([rules[rule] ?? 0]);
  for (const index of reached) {
    for (const to of states[index]?.empty ?? []) reached.add(to);
    for (const call of states[index]?.calls ?? []) {
      calls.add(call.rule);
      if (nullable.has(call.rule)) reached.add(call.to);
    }
  }
  return calls;
}

function endless(found: string): MoeqError {
  return new MoeqError({
    operation: 'compile',
    subject: 'the grammar',
    expected: 'values that end',
    found,
  });
}
