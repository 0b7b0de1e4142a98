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

export interface RowNorm {
  /** Float32 [D] */
  readonly weight: Float32Array;
  readonly epsilon: number;
  readonly centred: boolean;
  readonly bias: Float32Array | null;
  readonly first: number;
  readonly groups: number;
}

/** Norms D columns of each row, from `first` on, in groups. @returns Float32 [rows, D] */
export function normRows(
  { rows, columns, values }: { rows: number; columns: number; values: Float32Array },
  { weight, epsilon, centred, bias, first, groups }: RowNorm,
): Float32Array {
  const width = weight.length;
  const size = width / groups;
  const out = new Float32Array(rows * width);
  for (let row = 0; row < rows; row++) {
    for (let group = 0; group < groups; group++) {
      const start = row * columns + first + group * size;
      const part = values.subarray(start, start + size);
      const own = weight.subarray(group * size, (group + 1) * size);
      const target = out.subarray(row * width + group * size, row * width + (group + 1) * size);
      rmsNorm(centred ? lessMean(part) : part, own, epsilon, target);
    }
  }
  return bias === null ? out : out.map((value, i) => value + (bias[i % width] as number));
}

function lessMean(part: Float32Array): Float32Array {
  const mean = part.reduce((sum, value) => sum + value, 0) / part.length;
  return part.map((value) => value - mean);
}
