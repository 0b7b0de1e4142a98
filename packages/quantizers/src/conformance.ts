// The suite that every quantizer passes. Call `testQuantizer` in a vitest file:
//
//   testQuantizer({ make: () => mine() });
//
// Weights are random and new in every run; a failure names the seed that repeats it.
import { checkOptions, checks, type OptionChecks } from '@moeq/tensors';
import { describe, expect, test } from 'vitest';
import type { Bench, Case } from './conformance/bench.js';
import { claimsChecked, seededRandom } from './conformance/bench.js';
import { contractCases } from './conformance/contract-cases.js';
import { valueCases } from './conformance/value-cases.js';
import type { Quantizer } from './quantizer.js';

export interface QuantizerTestOptions {
  /** For the report; the quantizer's name and options unless given. */
  readonly name?: string;
  readonly make: () => Quantizer;
  /** Largest root mean square error on normal weights over their own: 0.125 unless given, which 4 bits keep. */
  readonly tolerance?: number;
  /** Cases that the quantizer cannot pass, by name, and why; they are reported as skipped. */
  readonly skip?: readonly { readonly reason: string; readonly tests: readonly string[] }[];
  /** Repeats a run. */
  readonly seed?: number;
}

const known: OptionChecks<QuantizerTestOptions> = {
  name: checks.text,
  make: checks.callback,
  tolerance: checks.number({ min: 0 }),
  skip: checks.list,
  seed: checks.integer({ min: 0 }),
};

const cases: readonly Case[] = [...contractCases, ...valueCases];

/**
 * Declares the tests of a quantizer.
 * @throws MoeqError for an unknown option or the name of a case that does not exist
 */
export function testQuantizer(options: QuantizerTestOptions): void {
  checkOptions('test the quantizer', options, known);
  const { make, tolerance = 0.125, skip = [], seed = Math.floor(Math.random() * 2 ** 32) } = options;
  const skipped = new Map(skip.flatMap(({ reason, tests }) => tests.map((each) => [each, reason] as const)));
  const knownCases = Object.fromEntries(cases.map(({ name }) => [name, checks.text]));
  checkOptions('test the quantizer', Object.fromEntries(skipped), knownCases, 'skip');

  describe(options.name ?? title(make()), () => {
    for (const [index, each] of cases.entries()) {
      const reason = skipped.get(each.name);
      const bench: Bench = { make, tolerance, random: seededRandom(seed + index) };
      if (reason !== undefined) test.skip(`${each.name} (${reason})`, () => {});
      else test(each.name, () => runSeeded(each, bench, seed));
    }
  });
}

function title({ name, options }: Quantizer): string {
  return `${name} ${JSON.stringify(options)}`;
}

function runSeeded(each: Case, bench: Bench, seed: number): void {
  const before = claimsChecked();
  try {
    each.run(bench);
    expect(claimsChecked(), 'a case that checks nothing').toBeGreaterThan(before);
  } catch (error) {
    if (error instanceof Error) error.message += ` (seed ${seed})`;
    throw error;
  }
}
