// Chooses the next token of one sequence. Each has a sampler of its own, with its own random numbers and its own record of
// tokens, so that the other sequences of a batch have no influence on it.
//
// In order: logit bias; repetition penalty (Keskar et al., arXiv 1909.05858; transformers: prompt and what is generated);
// presence and frequency penalties (OpenAI: what is generated only); what a constraint forbids; then, at temperature 0, the
// largest logit, the lowest id among equals, and otherwise a draw from `probabilities`.
import { MoeqError } from '@moeq/tensors';
import { draw, probabilities } from './probabilities.js';
import { type Random, seededRandom } from './random.js';
import type { SamplingSettings } from './sampling-settings.js';
import { argmax } from './select.js';
import type { TokenConstraint } from './token-constraint.js';

export class Sampler {
  readonly #settings: SamplingSettings;
  readonly #random: Random;
  /** Tokens of prompt and text. */
  readonly #seen: Set<number>;
  /** Tokens of the text with how often they came. */
  readonly #counts = new Map<number, number>();

  /** @param prompt its tokens count for the repetition penalty */
  constructor(settings: SamplingSettings, prompt: Iterable<number>) {
    this.#settings = settings;
    this.#random = seededRandom(settings.seed, settings.stream);
    this.#seen = new Set(prompt);
  }

  /**
   * @param logits float32 [V], overwritten with what they are after bias, penalties and constraint
   * @param constraint what may come next; the caller passes the choice on to it
   * @returns the id of the token, which is taken to be part of the text from now on
   * @throws MoeqError when a logit is NaN or infinite, or when no token is allowed
   */
  next(logits: Float32Array, constraint: TokenConstraint | null = null): number {
    assertComputable(logits);
    this.#adjust(logits);
    constraint?.mask(logits);
    const best = argmax(logits);
    if (!Number.isFinite(logits[best])) throw nothingAllowed();
    const { temperature } = this.#settings;
    const id = temperature === 0 ? best : draw(probabilities(logits, this.#settings), this.#random());
    this.#seen.add(id);
    this.#counts.set(id, (this.#counts.get(id) ?? 0) + 1);
    return id;
  }

  #adjust(logits: Float32Array): void {
    const { logitBias, repetitionPenalty, presencePenalty, frequencyPenalty } = this.#settings;
    for (const [id, bias] of logitBias) logits[id] = (logits[id] as number) + bias;
    if (repetitionPenalty !== 1) {
      for (const id of this.#seen) {
        const logit = logits[id] as number;
        logits[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty;
      }
    }
    if (presencePenalty === 0 && frequencyPenalty === 0) return;
    for (const [id, count] of this.#counts) {
      logits[id] = (logits[id] as number) - presencePenalty - frequencyPenalty * count;
    }
  }
}

function assertComputable(logits: Float32Array): void {
  for (let id = 0; id < logits.length; id += 1) {
    const logit = logits[id] as number;
    if (logit - logit === 0) continue;
    throw new MoeqError({
      operation: 'choose a token',
      subject: `the logit of token ${id}`,
      expected: 'a finite number',
      found: `${logit} (a weight or scale of the checkpoint is not finite, or the arithmetic overflowed)`,
    });
  }
}

function nothingAllowed(): MoeqError {
  return new MoeqError({
    operation: 'choose a token',
    subject: 'the logits after bias, penalties and constraint',
    expected: 'at least one token that is not forbidden',
    found: 'none, or a number too large for float32',
  });
}
