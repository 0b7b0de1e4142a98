// What the host and the kernels that quantize agree on, beside `dtypes`. The kernels have the same in assembly/quantize;
// build/check-abi.ts compares both.

/** The least scale that is a unit of sums, by rule. */
export const leastAbsmax = Math.fround(1e-38);
/** The least float32. */
export const least = 2 ** -149;
/** Half of the least float16. */
export const flushed = 2 ** -25;
