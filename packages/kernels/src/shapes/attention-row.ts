// Where the parts of a row of queries, keys and values are: the queries of all heads, the keys, the values, where they are not in
// the cache already; gates between the queries, as Qwen's doubled q_proj gives them, or at the end.
//
// Shapes: H heads, HK key/value heads, C head dimension, CV value dimension, G numbers of a head's gate.
import type { AttentionSpec } from '../step.js';

/** Columns. */
export interface AttentionRow {
  readonly columns: number;
  /** From one query to the next: C, or C + G where gates stand between them. */
  readonly queryStride: number;
  readonly keysAt: number;
  readonly valuesAt: number;
  /** G: CV, or 1 of a gate for a whole head, or 0 without gates. */
  readonly gateWidth: number;
  /** The first gate, and from one to the next. */
  readonly gateAt: number;
  readonly gateStride: number;
}

export function attentionRow(
  {
    heads,
    kvHeads,
    headDim,
    gate,
    keysAsValues = false,
    keysInCache = false,
  }: Pick<AttentionSpec, 'heads' | 'kvHeads' | 'headDim' | 'gate' | 'keysAsValues' | 'keysInCache'>,
  valueDim: number,
): AttentionRow {
  const gateWidth = gate === undefined ? 0 : gate.per === 'head' ? 1 : valueDim;
  const between = gate?.placed === 'withQueries';
  const queryStride = headDim + (between ? gateWidth : 0);
  const keysAt = heads * queryStride;
  const keysEnd = keysAt + (keysInCache ? 0 : kvHeads * headDim);
  const valuesAt = keysAsValues ? keysAt : keysEnd;
  const end = keysInCache ? keysEnd : valuesAt + kvHeads * valueDim;
  return {
    columns: between ? end : end + heads * gateWidth,
    queryStride,
    keysAt,
    valuesAt,
    gateWidth,
    gateAt: between ? headDim : end,
    gateStride: between ? queryStride : gateWidth,
  };
}
