// A SentencePiece vocabulary (tokens with scores) as byte-pair encoding with merges. SentencePiece joins the two
// neighbours whose union has the highest score; with a merge for every way to split a token into two tokens, ordered by
// the token's score, byte-pair encoding does the same. transformers, convert_slow_tokenizer.py, generate_merges.

interface Merge {
  readonly pair: readonly [left: string, right: string];
  readonly score: number;
}

/**
 * @param vocabulary ids by token
 * @param scores by id
 * @param isMergeable whether a token is text, and not a control token or a byte
 */
export function mergesOf(
  vocabulary: ReadonlyMap<string, number>,
  scores: ArrayLike<number>,
  isMergeable: (id: number) => boolean,
): [string, string][] {
  const idOf = (part: string): number | undefined => {
    const id = vocabulary.get(part);
    return id !== undefined && isMergeable(id) ? id : undefined;
  };
  const merges: Merge[] = [];
  for (const [token, id] of vocabulary) {
    if (!isMergeable(id)) continue;
    const own: (Merge & { left: number; right: number })[] = [];
    // characters, not UTF-16 units
    const characters = [...token];
    for (let at = 1; at < characters.length; at++) {
      const pair = [characters.slice(0, at).join(''), characters.slice(at).join('')] as const;
      const [left, right] = [idOf(pair[0]), idOf(pair[1])];
      if (left !== undefined && right !== undefined) own.push({ pair, score: scores[id] ?? 0, left, right });
    }
    merges.push(...own.sort((a, b) => a.left - b.left || a.right - b.right));
  }
  const length = ({ pair: [left] }: Merge) => [...left].length;
  // of the same score, those of longer tokens first, as reversing transformers' order has it
  merges.sort(
    (a, b) => b.score - a.score || length(b) - length(a) || [...b.pair[1]].length - [...a.pair[1]].length,
  );
  return merges.map(({ pair: [left, right] }) => [left, right]);
}

/**
 * Scores that make SentencePiece join in the order of merges: a token's is that of the first merge that makes it, below
 * all earlier ones. Tokens that nothing makes have 0, as SentencePiece gives them.
 */
export function scoresOf(
  tokens: readonly string[],
  merges: readonly (readonly [left: string, right: string])[],
): Float32Array {
  const rank = new Map<string, number>();
  merges.forEach(([left, right], index) => {
    const token = left + right;
    if (!rank.has(token)) rank.set(token, index);
  });
  return Float32Array.from(tokens, (token) => {
    const index = rank.get(token);
    return index === undefined ? 0 : -index - 1;
  });
}
