// y = x Wᵀ + bias. Every row of W is decoded once for all tokens; products are summed in float64.
//
// Shapes: T tokens, N rows, K columns.
import type { StackedMatrix } from './matrix.js';
import { forEachRow } from './matrix.js';

/**
 * @param x Float32 [T, K]
 * @param bias Float32 [N]
 * @returns Float32 [T, N]
 */
export function linear(x: Float32Array, weight: StackedMatrix, bias?: Float32Array): Float32Array {
  const { rows, columns } = weight;
  const tokens = x.length / columns;
  const y = new Float32Array(tokens * rows);
  forEachRow(weight, (row, n) => {
    const start = bias?.[n] ?? 0;
    for (let token = 0; token < tokens; token++) y[token * rows + n] = start + dot(x, token * columns, row);
  });
  return y;
}

/** The sum of x[at + i] * row[i] over the row. */
function dot(x: Float32Array, at: number, row: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < row.length; i++) sum += (x[at + i] as number) * (row[i] as number);
  return sum;
}
