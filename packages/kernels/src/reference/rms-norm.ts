// y = x * rsqrt(mean(x²) + epsilon) * weight over each row of as many columns as there are weights; arXiv:1910.07467. A layer
// norm is the same of rows whose mean is taken off; arXiv:1607.06450.

/**
 * @param x Float32 [rows, columns]
 * @param weight Float32 [columns]
 * @param out Float32 [rows, columns], may be `x`
 */
export function rmsNorm(x: Float32Array, weight: Float32Array, epsilon: number, out: Float32Array): void {
  const columns = weight.length;
  for (let start = 0; start < x.length; start += columns) {
    let squares = 0;
    for (let i = 0; i < columns; i++) squares += (x[start + i] as number) ** 2;
    const factor = 1 / Math.sqrt(squares / columns + epsilon);
    for (let i = 0; i < columns; i++)
      out[start + i] = (x[start + i] as number) * factor * (weight[i] as number);
  }
}

/**
 * @param x Float32 [rows, columns]
 * @param columns D
 * @returns the same, each row less its mean
 */
export function centredRows(x: Float32Array, columns: number): Float32Array {
  const out = new Float32Array(x.length);
  for (let start = 0; start < x.length; start += columns) {
    let sum = 0;
    for (let i = start; i < start + columns; i++) sum += x[i] as number;
    for (let i = start; i < start + columns; i++) out[i] = (x[i] as number) - sum / columns;
  }
  return out;
}
