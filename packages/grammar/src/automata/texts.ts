// A list of texts as one expression: those that begin alike share what they begin with, so that reading a character looks
// at the few that are left and not at all of them.
import { Pace, type Pausing, sortedInSlices } from '../slices.js';
import type { Regex, RegexBuilder } from './regex.js';

/** A beginning that some texts share: what may follow it so far. */
interface TrieNode {
  readonly code: number;
  readonly parts: Regex[];
}

/** Any of several texts. */
export function* textsRegex(builder: RegexBuilder, texts: readonly string[]): Pausing<Regex> {
  const pace = new Pace();
  const root: TrieNode = { code: -1, parts: [] };
  /** The beginnings of the text before, each a character longer than the one before it. */
  const path: TrieNode[] = [root];
  const close = () => {
    const { code, parts } = path.pop() as TrieNode;
    path.at(-1)?.parts.push(builder.sequence(builder.set([[code, code]]), builder.or(...parts)));
  };
  const sorted = yield* sortedInSlices(new Set(texts), (a, b) => (a < b ? -1 : a > b ? 1 : 0));
  let before: readonly number[] = [];
  for (const text of sorted) {
    const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
    let common = 0;
    while (common < before.length && before[common] === codes[common]) common += 1;
    while (path.length > common + 1) {
      close();
      if (pace.due()) yield;
    }
    for (const code of codes.slice(common)) path.push({ code, parts: [] });
    if (pace.dueText(codes.length)) yield;
    path.at(-1)?.parts.push(builder.empty);
    before = codes;
  }
  while (path.length > 1) {
    close();
    if (pace.due()) yield;
  }
  return builder.or(...root.parts);
}
