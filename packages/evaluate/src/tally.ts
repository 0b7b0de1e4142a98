// Running counts of one model while its windows go by, and of its distance from the baseline where there is one.
//
// Shapes: V vocabulary, A experts per token.
import { type ExpertLoad, expertLoad, mergeExpertLoads, type Routing } from '@moeq/router';
import { argmax } from '@moeq/runtime';
import { klDivergence, logSumExp, quantile } from './distributions.js';
import type { ByPosition, Comparison, LayerLoad, Perplexity, TextPerplexity } from './evaluation.js';

/** One scored token: which text it is of, and its place in its window. */
export interface ScoredToken {
  readonly text: number;
  readonly position: number;
  readonly id: number;
}

/** One model's prediction of a token. */
export interface Prediction {
  /** Float32 [V] */
  readonly logits: Float32Array;
  readonly logSumExp: number;
  readonly top: number;
}

export function predictionOf(logits: Float32Array): Prediction {
  return { logits, logSumExp: logSumExp(logits), top: argmax(logits) };
}

class Means {
  readonly sums: Float64Array;
  readonly counts: Float64Array;

  constructor(length: number) {
    this.sums = new Float64Array(length);
    this.counts = new Float64Array(length);
  }

  add(index: number, value: number): void {
    this.sums[index] = (this.sums[index] as number) + value;
    this.counts[index] = (this.counts[index] as number) + 1;
  }

  /** NaN where nothing was added. */
  get means(): Float64Array {
    return this.sums.map((sum, index) => sum / (this.counts[index] as number));
  }

  get mean(): number {
    const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);
    return total(this.sums) / total(this.counts);
  }
}

/** Perplexity and expert load of one model. */
export class ModelTally {
  readonly #nll: Means;
  readonly #nllByPosition: Means;
  readonly #loads = new Map<number, ExpertLoad>();

  constructor(texts: number, window: number) {
    this.#nll = new Means(texts);
    this.#nllByPosition = new Means(window);
  }

  score({ text, position, id }: ScoredToken, { logits, logSumExp: total }: Prediction): void {
    const nll = total - (logits[id] as number);
    this.#nll.add(text, nll);
    this.#nllByPosition.add(position, nll);
  }

  route(layer: number, routing: Routing, experts: number): void {
    const load = expertLoad(routing, experts);
    const before = this.#loads.get(layer);
    this.#loads.set(layer, before === undefined ? load : mergeExpertLoads([before, load]));
  }

  perplexity(): Perplexity {
    const tokens = this.#nll.counts.reduce((sum, count) => sum + count, 0);
    return { tokens, nll: this.#nll.mean, perplexity: Math.exp(this.#nll.mean) };
  }

  texts(names: readonly string[]): TextPerplexity[] {
    const { means, counts } = this.#nll;
    return names.map((name, index) => {
      const nll = means[index] as number;
      return { name, tokens: counts[index] as number, nll, perplexity: Math.exp(nll) };
    });
  }

  nllByPosition(): Float64Array {
    return this.#nllByPosition.means;
  }

  loads(): LayerLoad[] {
    return [...this.#loads].map(([layer, load]) => ({ layer, ...load }));
  }
}

/** The distance of one model from the baseline. */
export class ComparisonTally {
  readonly #kl: Float64Array;
  readonly #klByText: Means;
  readonly #klByPosition: Means;
  readonly #sameTop = new Means(1);
  readonly #sameExperts = new Map<number, Means>();
  #scored = 0;

  /** @param tokens how many will be scored */
  constructor(tokens: number, texts: number, window: number) {
    this.#kl = new Float64Array(tokens);
    this.#klByText = new Means(texts);
    this.#klByPosition = new Means(window);
  }

  score({ text, position }: ScoredToken, baseline: Prediction, model: Prediction): void {
    const kl = klDivergence(baseline.logits, baseline.logSumExp, model.logits, model.logSumExp);
    this.#kl[this.#scored++] = kl;
    this.#klByText.add(text, kl);
    this.#klByPosition.add(position, kl);
    this.#sameTop.add(0, Number(baseline.top === model.top));
  }

  route(layer: number, baseline: Routing, model: Routing): void {
    const counts = this.#sameExperts.get(layer) ?? new Means(1);
    this.#sameExperts.set(layer, counts);
    for (let token = 0; token < baseline.tokens; token++)
      counts.add(0, Number(sameExperts(baseline, model, token)));
  }

  comparison(): Pick<Comparison, 'klDivergence' | 'top1Agreement' | 'routerAgreement'> {
    const sorted = this.#kl.toSorted();
    const perLayer = [...this.#sameExperts].map(([layer, { mean }]) => ({ layer, agreement: mean }));
    const sum = perLayer.reduce((total, { agreement }) => total + agreement, 0);
    return {
      klDivergence: { mean: this.#klByText.mean, p99: quantile(sorted, 0.99), max: sorted.at(-1) ?? 0 },
      top1Agreement: this.#sameTop.mean,
      routerAgreement: { mean: perLayer.length === 0 ? 1 : sum / perLayer.length, perLayer },
    };
  }

  klByText(): Float64Array {
    return this.#klByText.means;
  }

  klByPosition(): ByPosition['klDivergence'] {
    return this.#klByPosition.means;
  }
}

/** Whether a token goes to the same experts in both, in whatever order. */
function sameExperts(a: Routing, b: Routing, token: number): boolean {
  const of = ({ expertIndices, expertsPerToken }: Routing) =>
    expertIndices.subarray(token * expertsPerToken, (token + 1) * expertsPerToken);
  const [ofA, ofB] = [of(a), of(b)];
  return ofA.length === ofB.length && ofA.every((expert) => ofB.includes(expert));
}
