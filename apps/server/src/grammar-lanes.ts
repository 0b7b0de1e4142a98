// Schemas are compiled in two lanes that take turns by slices. Each schema begins in the first lane; one that needs more
// steps than that lane gives is dropped there and compiled from its beginning in the second. So a small schema waits for
// no large one, and at most two compilations hold memory. Within a lane clients take turns.
import { compileJsonSchema, type Grammar } from '@moeq/grammar';
import type { AskedGrammar } from './asked-grammar.js';
import { Turns } from './turns.js';

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
  readonly #strictFormats: boolean;
  readonly #first = new Turns();
  readonly #second = new Turns();
  #turn: Promise<void> = Promise.resolve();

  /** @param strictFormats a format that is not known is an error */
  constructor(limits: LaneLimits, strictFormats: boolean) {
    this.#limits = limits;
    this.#strictFormats = strictFormats;
  }

  /** @throws MoeqError for a schema that cannot be compiled */
  async compile(asked: AskedGrammar, client: string): Promise<Grammar> {
    try {
      return await this.#first.run(client, () => this.#run(asked, this.#limits.firstSteps));
    } catch (error) {
      if (!(error instanceof TooManySteps)) throw error;
    }
    return this.#second.run(client, () => this.#run(asked, Number.POSITIVE_INFINITY));
  }

  async #run({ schema, subject }: AskedGrammar, steps: number): Promise<Grammar> {
    let taken = 0;
    await this.slicing.pause();
    return compileJsonSchema(JSON.parse(schema), {
      subject,
      strictFormats: this.#strictFormats,
      ...this.slicing,
      onStep: () => {
        taken += 1;
        if (taken > steps) throw new TooManySteps();
      },
    });
  }

  /** Turns of the event loop: one slice in each, in the order in which they were asked for. */
  get slicing(): { readonly sliceMilliseconds: number; readonly pause: () => Promise<void> } {
    const pause = () => {
      this.#turn = this.#turn.then(() => new Promise((resolve) => setTimeout(resolve, 0)));
      return this.#turn;
    };
    return { sliceMilliseconds: this.#limits.sliceMilliseconds, pause };
  }
}
