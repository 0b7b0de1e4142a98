// The suite that every backend passes. Each case compares with a float64 computation of its own; no case knows how a
// backend works. Call `testBackend` in a vitest file:
//
//   testBackend({ name: 'mine', make: () => myBackend() });
//
// Inputs are random and new in every run; a failure names the seed that repeats it.
import { checkOptions, checks, type OptionChecks } from '@moeq/tensors';
import { afterAll, describe, expect, test } from 'vitest';
import type { Backend } from './backend.js';
import type { Tolerance } from './conformance/bench.js';
import { Bench } from './conformance/bench.js';
import { cases } from './conformance/cases.js';
import { checksMade } from './conformance/compare.js';
import { seededRandom } from './conformance/random.js';

export type { Tolerance } from './conformance/bench.js';
export type { Random } from './conformance/random.js';
export { seededRandom } from './conformance/random.js';
export type { RandomMatrix } from './conformance/random-matrix.js';
export { randomMatrix } from './conformance/random-matrix.js';

export interface BackendTestOptions {
  /** For the report. */
  readonly name: string;
  /** Called once for the suite, and once for each case that needs a second backend. */
  readonly make: () => Promise<Backend> | Backend;
  /**
   * Rms error over the typical output, of which no single error may exceed ten times; 1e-5 unless given. A backend that
   * quantizes activations to 8 bits needs about 2.5e-2: with blocks of 32 the error is 5e-3 after one multiply and up to
   * 2e-2 after an MLP. `quantized` can be a function of the layout.
   */
  readonly tolerance?: Partial<Tolerance>;
  /** Cases that the backend cannot pass, by full name, and why; they are reported as skipped. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
  /** Repeats a run. */
  readonly seed?: number;
}

/** Names of all cases, e.g. to skip those that another run covers. */
export const caseNames: readonly string[] = cases.map((each) => each.name);

const known: OptionChecks<BackendTestOptions> = {
  name: checks.text,
  make: checks.callback,
  tolerance: checks.anything,
  skip: checks.list,
  seed: checks.integer({ min: 0 }),
};
const knownTolerance: OptionChecks<Tolerance> = {
  float: checks.number({ min: 0 }),
  quantized: checks.anything,
};

/**
 * Declares the tests of a backend.
 * @throws MoeqError for an unknown option or the name of a case that does not exist
 */
export function testBackend(options: BackendTestOptions): void {
  checkOptions('test a backend', options, known);
  checkOptions('test a backend', options.tolerance ?? {}, knownTolerance, 'tolerance');
  const { name, make, tolerance, skip = [], seed = Math.floor(Math.random() * 2 ** 32) } = options;
  const skipped = new Map(skip.flatMap(({ reason, tests }) => tests.map((each) => [each, reason] as const)));
  const knownCases = Object.fromEntries(caseNames.map((each) => [each, checks.text]));
  checkOptions('test a backend', Object.fromEntries(skipped), knownCases, 'skip');

  describe(`${name} backend`, () => {
    let made: Promise<Backend> | undefined;
    const backend = (): Promise<Backend> => {
      made ??= Promise.resolve(make());
      return made;
    };
    afterAll(async () => (await made)?.destroy());

    for (const each of cases) {
      const reason = skipped.get(each.name);
      if (reason !== undefined) {
        test.skip(`${each.name} (${reason})`, () => {});
        continue;
      }
      test(each.name, async () => {
        const bench = new Bench(
          await backend(),
          seededRandom(`${seed} ${each.name}`),
          { float: 1e-5, quantized: 1e-5, ...tolerance },
          async () => make(),
        );
        const before = checksMade();
        try {
          await each.run(bench);
          bench.clear();
          expect(checksMade(), 'a case that checks nothing').toBeGreaterThan(before);
        } catch (error) {
          const message = error instanceof Error ? error.message : String(error);
          throw new Error(`${message} (repeat with seed: ${seed})`, { cause: error });
        }
      });
    }
  });
}
