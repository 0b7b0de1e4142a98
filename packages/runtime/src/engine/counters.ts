// What an engine has done so far, in numbers.
import type { EngineStatistics } from './statistics.js';
import type { PlannedSlice } from './step-plan.js';

export class EngineCounters {
  #steps = 0;
  #preemptions = 0;
  #lastStep = { sequences: 0, tokens: 0, seconds: 0 };
  readonly #tokens = { prefilled: 0, cached: 0, generated: 0 };

  plan(preemptions: number, cachedTokens: number): void {
    this.#preemptions += preemptions;
    this.#tokens.cached += cachedTokens;
  }

  step(slices: readonly PlannedSlice[], seconds: number): EngineStatistics['lastStep'] {
    const tokens = slices.reduce((total, { count }) => total + count, 0);
    this.#steps += 1;
    this.#lastStep = { sequences: slices.length, tokens, seconds };
    return { ...this.#lastStep };
  }

  prefilled(tokens: number): void {
    this.#tokens.prefilled += tokens;
  }

  generated(): void {
    this.#tokens.generated += 1;
  }

  snapshot(): Pick<EngineStatistics, 'lastStep' | 'steps' | 'preemptions' | 'tokens'> {
    return {
      lastStep: { ...this.#lastStep },
      steps: this.#steps,
      preemptions: this.#preemptions,
      tokens: { ...this.#tokens },
    };
  }
}
