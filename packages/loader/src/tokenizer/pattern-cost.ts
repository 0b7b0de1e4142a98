// Regular expressions from a tokenizer.json run on every prompt and cannot be interrupted, so one that can take
// exponential time is refused when the file is read. Backtracking is exponential only where a repeated group can match
// the same text in several ways; the groups that can are those that hold a repetition or a choice themselves, and those
// that a back reference makes undecidable. No published tokenizer repeats such a group.
import { MoeqError, quote } from '@moeq/tensors';

/** Three times the longest in use, which spell out character ranges. */
const maxPatternLength = 16_384;

interface Group {
  /** Holds a choice, or a repetition that leaves open how often. */
  ambiguous: boolean;
}

/** @throws MoeqError naming the file and the pattern */
export function assertBoundedCost(pattern: string, file: string): void {
  const refuse = (expected: string) => {
    throw new MoeqError({
      operation: 'read the tokenizer',
      subject: file,
      expected,
      found: quote(pattern, 120),
    });
  };
  if (pattern.length > maxPatternLength)
    refuse(`a regular expression of at most ${maxPatternLength} characters`);
  const groups: Group[] = [{ ambiguous: false }];
  let closed: Group | null = null;
  for (let at = 0; at < pattern.length; at += 1) {
    const previous = closed;
    closed = null;
    switch (pattern[at]) {
      case '\\':
        if (/[1-9k]/.test(pattern[at + 1] ?? '')) refuse('a regular expression without back references');
        at += 1;
        break;
      case '[':
        at = classEnd(pattern, at);
        break;
      case '(':
        groups.push({ ambiguous: false });
        break;
      case ')': {
        closed = groups.pop() ?? { ambiguous: false };
        const outer = groups.at(-1);
        if (outer !== undefined) outer.ambiguous ||= closed.ambiguous;
        break;
      }
      case '|':
        for (const group of groups.slice(1)) group.ambiguous = true;
        break;
      case '*':
      case '+':
      case '{': {
        const counts = quantifier(pattern, at);
        if (counts === null) break;
        if (counts.repeats && previous?.ambiguous) {
          refuse('a regular expression without repeated groups that repeat or choose');
        }
        if (counts.varies) for (const group of groups) group.ambiguous = true;
        break;
      }
      default:
    }
  }
}

/** What a quantifier at `at` does: whether it repeats at all, and whether it leaves open how often; null if it is none. */
function quantifier(pattern: string, at: number): { repeats: boolean; varies: boolean } | null {
  if (pattern[at] !== '{') return { repeats: true, varies: true };
  const bounds = /^\{(\d+)(,?)(\d*)\}/.exec(pattern.slice(at, at + 24));
  if (bounds === null) return null;
  const [, least, comma, most] = bounds;
  return comma === ''
    ? { repeats: Number(least) > 1, varies: false }
    : { repeats: most !== '1', varies: most !== least };
}

/** Index of the `]` that ends the character class from `[` at `start`, nested classes included. */
function classEnd(pattern: string, start: number): number {
  let depth = 0;
  for (let at = start; at < pattern.length; at += 1) {
    if (pattern[at] === '\\') at += 1;
    else if (pattern[at] === '[') depth += 1;
    else if (pattern[at] === ']') {
      depth -= 1;
      if (depth === 0) return at;
    }
  }
  return pattern.length;
}
