// One of several given texts. The list stays as it is, sorted; a state is the part of it that fits what was read.
import { LeafRule, State } from '../rule.js';
import { narrow, sortedTexts, type TextRange } from './text.js';

/** @param texts in bytes, as `spellingOf` has them */
export function literalRule(texts: Iterable<string>, why: string | null = null): LiteralRule {
  return new LiteralRule(sortedTexts(texts), why);
}

export class LiteralRule extends LeafRule {
  readonly texts: readonly string[];

  constructor(texts: readonly string[], why: string | null) {
    const all = { low: 0, high: texts.length, depth: 0 };
    super(texts.length === 0 ? null : () => new LiteralState(texts, all), why);
    this.texts = texts;
  }
}

class LiteralState extends State {
  override readonly final: boolean;
  override readonly completions: number;
  readonly #texts: readonly string[];
  readonly #range: TextRange;

  constructor(texts: readonly string[], range: TextRange) {
    super();
    this.#texts = texts;
    this.#range = range;
    this.final = texts[range.low]?.length === range.depth;
    this.completions = range.high - range.low;
  }

  protected override read(byte: number): State | null {
    const next = narrow(this.#texts, this.#range, byte);
    return next === null ? null : new LiteralState(this.#texts, next);
  }
}
