// A text on its way to tokens: tokenizers' NormalizedString without the alignment of every character. Of that, ids depend
// on one thing only: whether a piece begins where the whole text did (Metaspace with `prepend_scheme` first).

export interface Piece {
  readonly text: string;
  /** UTF-16 units at its beginning that come from the first character of the whole text; 0 in pieces of its middle. */
  readonly atStart: number;
}

/** What a pattern found: `[start, end)` in UTF-16 units, whether it matched. All of a text is covered, in order. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly matched: boolean;
}

/** Finds the spans of a text. */
export type Pattern = (text: string) => Span[];

export const splitBehaviors = [
  'Removed',
  'Isolated',
  'MergedWithPrevious',
  'MergedWithNext',
  'Contiguous',
] as const;
export type SplitBehavior = (typeof splitBehaviors)[number];

/** The first character of a text, in UTF-16 units. */
export function firstLength(text: string): number {
  const code = text.codePointAt(0);
  return code === undefined ? 0 : code > 0xffff ? 2 : 1;
}

export function slice({ text, atStart }: Piece, start: number, end: number): Piece {
  return { text: text.slice(start, end), atStart: Math.max(0, Math.min(atStart, end) - start) };
}

/** Pieces of a piece between and at the matches of a pattern; empty ones are left out. */
export function split(piece: Piece, pattern: Pattern, behavior: SplitBehavior): Piece[] {
  return merge(pattern(piece.text), behavior)
    .filter(({ start, end }) => end > start)
    .map(({ start, end }) => slice(piece, start, end));
}

function merge(spans: readonly Span[], behavior: SplitBehavior): readonly Span[] {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return spans.filter(({ matched }) => !matched);
    case 'Contiguous':
      return joined(spans, (matched, before) => matched === before);
    case 'MergedWithPrevious':
      return joined(spans, (matched, before) => matched && !before);
    case 'MergedWithNext':
      return joined(spans.toReversed(), (matched, before) => matched && !before).toReversed();
  }
}

/** Joins each span to the one before it where `joins` says so; before the first stands one that did not match. */
function joined(spans: readonly Span[], joins: (matched: boolean, before: boolean) => boolean): Span[] {
  const result: Span[] = [];
  let before = false;
  for (const span of spans) {
    const last = result.at(-1);
    if (last !== undefined && joins(span.matched, before)) {
      const [start, end] = [Math.min(last.start, span.start), Math.max(last.end, span.end)];
      result[result.length - 1] = { start, end, matched: last.matched };
    } else result.push(span);
    before = span.matched;
  }
  return result;
}
