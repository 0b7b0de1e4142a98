// The last lines of a test run: what repeats its random inputs, and the counts in a form that any tool can read:
// "412 passed, 0 failed, 3 skipped".
import type { Reporter, TestModule } from 'vitest/node';

export class ClosingLine implements Reporter {
  readonly #seed: string;

  constructor(seed: string) {
    this.#seed = seed;
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    for (const module of modules) {
      if (module.errors().length > 0) count.failed++;
      for (const test of module.children.allTests()) count[test.result().state]++;
    }
    process.on('exit', () => {
      console.log(`random inputs of this run: MOEQ_SEED=${this.#seed}`);
      console.log(`${count.passed} passed, ${count.failed} failed, ${count.skipped + count.pending} skipped`);
    });
  }
}
