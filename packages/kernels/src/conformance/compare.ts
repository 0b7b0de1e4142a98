// How results are compared: the largest error against the size of what was expected. NaN never passes.

/** Root of the mean square; 0 for nothing. */
export function rms(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  return values.length === 0 ? 0 : Math.sqrt(squares / values.length);
}

/**
 * Throws unless every |actual - expected| is at most tolerance * scale.
 * @param scale what an output typically is; the rms of `expected` unless given
 */
export function assertClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  scale: number = rms(expected),
): void {
  if (actual.length !== expected.length) {
    throw new Error(`${what}: expected ${expected.length} numbers, found ${actual.length}`);
  }
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs((actual[i] as number) - (expected[i] as number));
    if (!(error <= tolerance * scale)) {
      throw new Error(
        `${what}: at ${i} of ${expected.length} expected ${expected[i]}, found ${actual[i]}; the error is ` +
          `${(error / scale).toExponential(2)} of the typical ${scale.toExponential(2)}, tolerated is ${tolerance}`,
      );
    }
  }
}

/** Throws unless all numbers are the same, bit for bit but for the sign of zero. */
export function assertSame(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assertClose(what, actual, expected, 0, 1);
}
