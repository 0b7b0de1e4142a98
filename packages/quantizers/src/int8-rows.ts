// Row-wise int8 of LLM.int8: SCB[r] = max |W[r, :]|, code = round(W * 127 / SCB), weight = code * SCB / 127.
// arXiv:2208.07339; bit for bit bitsandbytes functional.py, int8_vectorwise_quant, on its default path: the factor is the
// float32 reciprocal of SCB times 127. A row of zeros, which is undefined there, gets codes 0 and SCB 0, and
// one whose factor overflows a double for it.
//
// Shapes: N rows, K columns.
import { roundToEven } from './rounding.js';

export interface Int8Rows {
  /** Int8 [N, K], -127 to 127. */
  readonly codes: Int8Array;
  /** Float32 [N], none where K is 0: the SCB of bitsandbytes. */
  readonly absmax: Float32Array;
}

/**
 * @param values Float32 [N, K], finite
 * @param outlierThreshold columns that hold a magnitude of it or above get codes 0, and these magnitudes do not count for
 * SCB: LLM.int8's treatment of activations, whose outliers are multiplied in 16 bits. None for weights
 */
export function quantizeInt8Rows(
  values: Float32Array,
  [rows, columns]: readonly [number, number],
  outlierThreshold?: number,
): Int8Rows {
  const codes = new Int8Array(rows * columns);
  const limit = outlierThreshold ?? NaN; // which no magnitude reaches
  const absmax = new Float32Array(columns === 0 ? 0 : rows);
  for (let row = 0; row < absmax.length; row++) {
    const start = row * columns;
    const end = start + columns;
    let largest = 0;
    for (let i = start; i < end; i++) {
      const magnitude = Math.abs(values[i] as number);
      if (magnitude > largest && !(magnitude >= limit)) largest = magnitude;
    }
    absmax[row] = largest;
    if (largest === 0) continue;
    const single = Math.fround(Math.fround(1 / largest) * 127);
    const factor = single === Infinity ? 127 / largest : single;
    for (let i = start; i < end; i++) codes[i] = roundToEven(Math.fround((values[i] as number) * factor));
  }
  if (outlierThreshold !== undefined) clearOutlierColumns(values, columns, outlierThreshold, codes);
  return { codes, absmax };
}

function clearOutlierColumns(
  values: Float32Array,
  columns: number,
  threshold: number,
  codes: Int8Array,
): void {
  const outliers = new Set<number>();
  for (let i = 0; i < values.length; i++)
    if (Math.abs(values[i] as number) >= threshold) outliers.add(i % columns);
  for (const column of outliers) for (let i = column; i < codes.length; i += columns) codes[i] = 0;
}
