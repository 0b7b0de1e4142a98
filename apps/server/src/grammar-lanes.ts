// Schemas are compiled in two lanes that take turns by slices. Each schema begins in the first lane; one that needs more
// steps than that lane gives is dropped there and compiled from its beginning in the second. So a small schema waits for
// no large one, and at most two compilations hold memory.
import { compileJsonSchema, type Grammar } from '@moeq/grammar';

export interface LaneLimits {
  /** Steps of a compilation in the first lane. */
  readonly firstSteps: number;
  /** Milliseconds after which a slice ends at its next step. */
  readonly sliceMilliseconds: number;
}

export const defaultLanes: LaneLimits = { firstSteps: 1000, sliceMilliseconds: 8 };

class TooManySteps extends Error {}

export class GrammarLanes {
  readonly #limits: LaneLimits;
  #first: Promise<unknown> = Promise.resolve();
  #second: Promise<unknown> = Promise.resolve();
  #turn: Promise<void> = Promise.resolve();

  constructor(limits: LaneLimits) {
    this.#limits = limits;
  }

  /** @throws MoeqError for a schema that cannot be compiled */
  async compile(schema: object, subject: string): Promise<Grammar> {
    const first = this.#first.then(() => this.#run(schema, subject, this.#limits.firstSteps));
    this.#first = first.catch(() => undefined);
    try {
      return await first;
    } catch (error) {
      if (!(error instanceof TooManySteps)) throw error;
    }
    const second = this.#second.then(() => this.#run(schema, subject, Number.POSITIVE_INFINITY));
    this.#second = second.catch(() => undefined);
    return second;
  }

  #run(schema: object, subject: string, steps: number): Promise<Grammar> {
    let taken = 0;
    return compileJsonSchema(schema, {
      subject,
      sliceMilliseconds: this.#limits.sliceMilliseconds,
      pause: () => this.#nextTurn(),
      onStep: () => {
        taken += 1;
        if (taken > steps) throw new TooManySteps();
      },
    });
  }

  /** Turns of the event loop: one slice in each, in the order in which they were asked for. */
  #nextTurn(): Promise<void> {
    this.#turn = this.#turn.then(() => new Promise((resolve) => setTimeout(resolve, 0)));
    return this.#turn;
  }
}
