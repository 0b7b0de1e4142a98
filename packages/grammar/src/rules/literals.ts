// One of several given texts. Lists stay as they are, sorted; a state is the parts of them that fit what was read.
import { LeafRule, State } from '../rule.js';
import { narrow, type TextRange } from './text.js';

/** @param texts sorted and without repetitions, in bytes, as `spellingOf` has them */
export function literalRule(texts: readonly string[], why: string | null = null): LiteralRule {
  return new LiteralRule(texts, why);
}

export class LiteralRule extends LeafRule {
  readonly texts: readonly string[];

  constructor(texts: readonly string[], why: string | null) {
    super(texts.length === 0 ? null : () => literalStart([texts]), why);
    this.texts = texts;
  }
}

/** Before a text of any of the lists, read side by side. */
export function literalStart(lists: readonly (readonly string[])[]): State {
  return new LiteralState(lists.map((texts) => ({ texts, range: { low: 0, high: texts.length, depth: 0 } })));
}

interface Remaining {
  readonly texts: readonly string[];
  readonly range: TextRange;
}

/** Texts that are left; one that several lists have is one. */
function countOf(parts: readonly Remaining[]): number {
  const [first, ...more] = parts;
  if (first !== undefined && more.length === 0) return first.range.high - first.range.low;
  const texts = new Set<string>();
  for (const { range, texts: list } of parts)
    for (let at = range.low; at < range.high; at += 1) texts.add(list[at] as string);
  return texts.size;
}

class LiteralState extends State {
  override readonly final: boolean;
  readonly #parts: readonly Remaining[];

  constructor(parts: readonly Remaining[]) {
    super();
    this.#parts = parts;
    const ends = parts.filter(({ range, texts }) => texts[range.low]?.length === range.depth);
    this.final = ends.length > 0;
  }

  protected override count(): number {
    return countOf(this.#parts);
  }

  protected override read(byte: number): State | null {
    const next = this.#parts.flatMap(({ range, texts }) => {
      const left = narrow(texts, range, byte);
      return left === null ? [] : [{ texts, range: left }];
    });
    return next.length === 0 ? null : new LiteralState(next);
  }
}
