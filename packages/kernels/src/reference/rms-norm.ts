// y = x * rsqrt(mean(x²) + epsilon) * weight over each row of as many columns as there are weights; arXiv:1910.07467.

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
