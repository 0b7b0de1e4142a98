// Predictions from rows of logits, in float64.
//
//   log p(i) = z(i) - log sum exp(z)
//   KL(p || q) = sum p(i) (log p(i) - log q(i)), in nats: what a coder for q loses on text from p
//
// Shapes: V vocabulary.

/** log sum exp of a row, without overflow. NaN where a logit is NaN, not finite where none is. */
export function logSumExp(row: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < row.length; i++) max = Math.max(max, row[i] as number);
  if (!Number.isFinite(max)) return max;
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += Math.exp((row[i] as number) - max);
  return max + Math.log(sum);
}

/**
 * KL divergence in nats of the distribution of one row of logits from that of another; never below 0. A token that the
 * first rules out (-infinity) adds nothing.
 * @param logits Float32 [V] of p, whose log sum exp is `total`
 * @param others Float32 [V] of q, whose log sum exp is `othersTotal`
 */
export function klDivergence(
  logits: Float32Array,
  total: number,
  others: Float32Array,
  othersTotal: number,
): number {
  let sum = 0;
  for (let i = 0; i < logits.length; i++) {
    const log = (logits[i] as number) - total;
    const share = Math.exp(log);
    if (share !== 0) sum += share * (log - ((others[i] as number) - othersTotal));
  }
  // Rounding can leave a divergence of zero a little below it.
  return Math.max(sum, 0);
}

/**
 * The value below which a share of the values lies, linear between neighbours (NumPy's default).
 * @param sorted ascending
 */
export function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return 0;
  const place = share * (sorted.length - 1);
  const below = sorted[Math.floor(place)] as number;
  const above = sorted[Math.ceil(place)] as number;
  return below + (above - below) * (place - Math.floor(place));
}
