// Scales of columns after which rows and columns deviate alike: Sinkhorn-Knopp on the root mean squares, as SINQ
// (arXiv 2509.22944) does on standard deviations. Only the columns' scales are kept; rows have scales of their own anyway.

/** The scales hardly move after a few. */
const rounds = 4;

/** What a column may differ from the others by: scales of blocks times those of columns stay numbers. */
const [leastScale, mostScale] = [2 ** -10, 2 ** 10];

/** Float32 [columns], each from 2^-10 to 2^10 and around 1; 1 for columns of zeros. */
export function evenColumns(weights: Float32Array, rows: number, columns: number): Float32Array {
  const columnScales = new Float64Array(columns).fill(1);
  for (let round = 0; round < rounds; round++) {
    const sums = new Float64Array(columns);
    for (let row = 0; row < rows; row++) {
      const own = weights.subarray(row * columns, (row + 1) * columns);
      const power = rootMeanSquare(own, columnScales) || 1;
      for (let column = 0; column < columns; column++) {
        sums[column] = (sums[column] as number) + ((own[column] as number) / power) ** 2;
      }
    }
    sums.forEach((sum, column) => {
      columnScales[column] = sum === 0 ? 1 : Math.sqrt(sum / rows);
    });
  }
  // what all columns share belongs to the rows
  const shared = Math.exp(
    columnScales.reduce((sum, scale) => sum + Math.log(scale), 0) / Math.max(1, columns),
  );
  return Float32Array.from(columnScales, (scale) =>
    Math.min(mostScale, Math.max(leastScale, scale / shared)),
  );
}

/** Of a row, each column by its scale. */
function rootMeanSquare(row: Float32Array, scales: Float64Array): number {
  let sum = 0;
  for (let column = 0; column < row.length; column++) {
    sum += ((row[column] as number) / (scales[column] as number)) ** 2;
  }
  return Math.sqrt(sum / row.length);
}
