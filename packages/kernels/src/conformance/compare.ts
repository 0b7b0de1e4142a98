// How results are compared: errors against the size of what was expected. NaN never passes.

let checks = 0;

/** How many checks have been made so far; a case that makes none has checked nothing. */
export function checksMade(): number {
  return checks;
}

/** Counts a check that is made elsewhere. */
export function countCheck(): void {
  checks++;
}

/** Root of the mean square; 0 for nothing. */
export function rms(values: ArrayLike<number>): number {
  let squares = 0;
  for (let i = 0; i < values.length; i++) squares += (values[i] as number) ** 2;
  return values.length === 0 ? 0 : Math.sqrt(squares / values.length);
}

/** A single error may be this many times the tolerated rms: errors of long sums are normal, with heavy tails in an MLP. */
const largest = 10;

/**
 * Throws unless the rms of the errors is at most tolerance * scale and no single error is above ten times that.
 * @param scale what an output typically is; the rms of `expected` unless given
 */
export function assertClose(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  scale: number = rms(expected),
): void {
  countCheck();
  if (actual.length !== expected.length) {
    throw new Error(`${what}: expected ${expected.length} numbers, found ${actual.length}`);
  }
  const count = expected.length;
  const errors = Float64Array.from(
    { length: count },
    (_, i) => (actual[i] as number) - (expected[i] as number),
  );
  const relative = (error: number): string =>
    `${(error / scale).toExponential(2)} of the typical ${scale.toExponential(2)}, tolerated is ${tolerance}`;

  const worst = errors.findIndex((error) => !(Math.abs(error) <= largest * tolerance * scale));
  if (worst >= 0) {
    throw new Error(
      `${what}: at ${worst} of ${count} expected ${expected[worst]}, found ${actual[worst]}; the error is ` +
        `${relative(errors[worst] as number)} times ${largest}`,
    );
  }
  // The rms of few errors scatters around what it is of many: of one it is that error.
  const scatter = 1 + 3 / Math.sqrt(count);
  if (!(rms(errors) <= scatter * tolerance * scale)) {
    throw new Error(`${what}: the rms error of ${count} numbers is ${relative(rms(errors))}`);
  }
}

/**
 * The same where sums may cancel and what is left is divided by its own size: each error against `sizes`, what a number would
 * be typically if nothing cancelled.
 */
export function assertCloseBySize(
  what: string,
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  sizes: ArrayLike<number>,
  tolerance: number,
): void {
  const bySize = (values: ArrayLike<number>) =>
    Float64Array.from(values, (value, i) => value / (sizes[i] as number));
  assertClose(what, bySize(actual), bySize(expected), tolerance, 1);
}

/** Throws unless all numbers are the same, bit for bit but for the sign of zero. */
export function assertSame(what: string, actual: ArrayLike<number>, expected: ArrayLike<number>): void {
  assertClose(what, actual, expected, 0, 1);
}

/** Throws unless it holds. */
export function assertTrue(what: string, holds: boolean): void {
  countCheck();
  if (!holds) throw new Error(`expected ${what}`);
}
