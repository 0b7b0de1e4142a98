// One backend against the reference backend on the same quantized weights: KL divergence, top-1 agreement, perplexity over
// the held-out texts, and greedy texts.
//
// Shapes: T tokens of a window, V vocabulary.
import type { Backend } from '@moeq/kernels';
import { openModel } from '@moeq/loader/node';
import type { RecipeData } from '@moeq/quantizers';
import { createModel, type Model } from '@moeq/runtime';

export interface Divergence {
  readonly recipe: string;
  readonly predicted: number;
  readonly meanKl: number;
  readonly maxKl: number;
  /** Share of predictions whose most probable token is the same. */
  readonly top1: number;
  /** Perplexity of the backend by that of the reference backend, minus 1. */
  readonly perplexityChange: number;
  readonly greedyTexts: { readonly identical: number; readonly of: number };
}

export interface Texts {
  /** Windows of held-out text. */
  readonly windows: readonly (readonly number[])[];
  /** Prompts to write on from, greedily. */
  readonly prompts: readonly string[];
  readonly newTokens: number;
}

export async function againstReference(
  recipe: RecipeData | null,
  backends: { readonly oracle: Backend; readonly backend: Backend },
  { windows, prompts, newTokens }: Texts,
): Promise<Divergence> {
  const oracle = await load(recipe, backends.oracle);
  const model = await load(recipe, backends.backend);
  try {
    const sum = { kl: 0, maxKl: 0, top1: 0, predicted: 0, oracleNll: 0, nll: 0 };
    for (const window of windows) {
      const [expected, found] = [await oracle.logits(window), await model.logits(window)];
      const vocabulary = expected.vocabularySize;
      for (let t = 0; t + 1 < window.length; t++) {
        const p = logProbabilities(expected.logits.subarray(t * vocabulary, (t + 1) * vocabulary));
        const q = logProbabilities(found.logits.subarray(t * vocabulary, (t + 1) * vocabulary));
        const kl = divergence(p, q);
        const next = window[t + 1] as number;
        sum.kl += kl;
        sum.maxKl = Math.max(sum.maxKl, kl);
        sum.top1 += largest(p) === largest(q) ? 1 : 0;
        sum.oracleNll -= p[next] as number;
        sum.nll -= q[next] as number;
        sum.predicted++;
      }
    }
    let identical = 0;
    for (const prompt of prompts) {
      const options = { temperature: 0, maxNewTokens: newTokens, stopTokenIds: [] };
      const texts = [await oracle.complete(prompt, options), await model.complete(prompt, options)];
      if (texts[0]?.tokenIds.join() === texts[1]?.tokenIds.join()) identical++;
    }
    return {
      recipe: recipe?.name ?? 'bfloat16',
      predicted: sum.predicted,
      meanKl: sum.kl / sum.predicted,
      maxKl: sum.maxKl,
      top1: sum.top1 / sum.predicted,
      perplexityChange: Math.exp((sum.nll - sum.oracleNll) / sum.predicted) - 1,
      greedyTexts: { identical, of: prompts.length },
    };
  } finally {
    await oracle.close();
    await model.close();
  }
}

async function load(recipe: RecipeData | null, backend: Backend): Promise<Model> {
  const source = await openModel('tiny-moe', recipe === null ? {} : { recipe });
  const model = await createModel(source, { backend });
  await source.close();
  return model;
}

/** Float64 [V] */
function logProbabilities(logits: Float32Array): Float64Array {
  const most = logits.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const sum = logits.reduce((total, logit) => total + Math.exp(logit - most), 0);
  return Float64Array.from(logits, (logit) => logit - most - Math.log(sum));
}

/** KL(p || q) in nats from log-probabilities. */
function divergence(p: Float64Array, q: Float64Array): number {
  return p.reduce((sum, logP, i) => sum + Math.exp(logP) * (logP - (q[i] as number)), 0);
}

function largest(values: Float64Array): number {
  return values.reduce((best, value, i) => (value > (values[best] as number) ? i : best), 0);
}
