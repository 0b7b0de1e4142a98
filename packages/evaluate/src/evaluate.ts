// Perplexity of models over texts, and their distance from a baseline: one pass in which all of them run side by side.
import type { Routing } from '@moeq/router';
import { layerMoe, type ModelSource } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';
import { assertComparable } from './comparable.js';
import type { Comparison, Evaluation } from './evaluation.js';
import { type EvaluateOptions, windowSettings } from './options.js';
import { type Job, runSideBySide } from './side-by-side.js';
import { ComparisonTally, ModelTally, type Prediction, predictionOf, type ScoredToken } from './tally.js';
import { type EvaluationText, tokenizeText } from './texts.js';
import { textWindows, type Window } from './windows.js';

interface TextJob extends Job {
  readonly text: number;
  readonly window: Window;
}

/**
 * Scores texts with one or several models, each with a layer in memory at a time.
 * @returns one evaluation a model, in their order
 * @throws MoeqError for a wrong option, texts that are too short, models that cannot be compared (see `Comparison`), weights
 *   that do not fit, or logits that are not finite; the signal's reason when it aborts
 */
export async function evaluate(options: EvaluateOptions): Promise<Evaluation[]> {
  const { models, baseline, backend, onProgress, signal } = options;
  const sources = baseline === undefined ? models : [baseline, ...models];
  const { window, stride } = windowSettings(options, sources);
  assertComparable(sources);
  const texts = options.texts.map((text) => tokenizeText(sources, text, options.maxTokens));
  const jobs = texts.flatMap(({ ids }, text) =>
    textWindows(ids.length, { window, stride }).map((each): TextJob => {
      const { first, end, scored } = each;
      // The row of a token predicts the next.
      const rows = { firstRow: scored - 1 - first, endRow: end - 1 - first };
      return { text, window: each, ids: ids.subarray(first, end), ...rows };
    }),
  );
  const scored = jobs.reduce((sum, { firstRow, endRow }) => sum + endRow - firstRow, 0);
  const tallies = sources.map(() => new ModelTally(texts.length, window));
  const comparisons =
    baseline === undefined ? [] : models.map(() => new ComparisonTally(scored, texts.length, window));

  let tokensDone = 0;
  const tokensTotal = sources.length * jobs.reduce((sum, { ids }) => sum + ids.length, 0);
  await runSideBySide(
    sources,
    jobs,
    { backend, signal },
    {
      routings({ window: { first, fresh } }, layer, routings) {
        const ofFresh = routings.map((routing) => withoutFirst(routing, fresh - first));
        for (const [index, tally] of tallies.entries())
          tally.route(layer, ofFresh[index] as Routing, expertsOf(sources[index] as ModelSource, layer));
        const [reference, ...others] = ofFresh;
        for (const [index, tally] of comparisons.entries())
          tally.route(layer, reference as Routing, others[index] as Routing);
      },
      logits(job, row, logits) {
        const { vocabularySize } = (sources[0] as ModelSource).config;
        for (let at = 0; at * vocabularySize < (logits[0]?.length ?? 0); at++) {
          const position = row + at + 1;
          const token = { text: job.text, position, id: job.ids[position] as number };
          const predictions = logits.map((rows, index) => {
            const prediction = predictionOf(rows.subarray(at * vocabularySize, (at + 1) * vocabularySize));
            assertPredicts(prediction, sources[index] as ModelSource, options.texts, job, position);
            return prediction;
          });
          score(token, predictions, tallies, comparisons);
        }
      },
      async worked(tokens, label) {
        tokensDone += tokens;
        await onProgress?.({ tokensDone, tokensTotal, label });
      },
    },
  );

  const names = texts.map(({ name }) => name);
  const [reference, ...others] = baseline === undefined ? [null, ...tallies] : tallies;
  return models.map((model, index) => {
    const tally = others[index] as ModelTally;
    const comparison = comparisons[index];
    return {
      model: model.name,
      window,
      stride,
      ...tally.perplexity(),
      texts: tally.texts(names),
      byPosition: {
        nll: tally.nllByPosition(),
        klDivergence: comparison?.klByPosition() ?? new Float64Array(),
      },
      expertLoad: tally.loads(),
      baseline:
        baseline === undefined || comparison === undefined || reference == null
          ? null
          : compare(baseline, reference, comparison, names),
    };
  });
}

function score(
  token: ScoredToken,
  predictions: readonly Prediction[],
  tallies: readonly ModelTally[],
  comparisons: readonly ComparisonTally[],
): void {
  for (const [index, tally] of tallies.entries()) tally.score(token, predictions[index] as Prediction);
  const [reference, ...others] = predictions;
  for (const [index, tally] of comparisons.entries())
    tally.score(token, reference as Prediction, others[index] as Prediction);
}

function compare(
  baseline: ModelSource,
  tally: ModelTally,
  comparison: ComparisonTally,
  names: readonly string[],
): Comparison {
  const byText = comparison.klByText();
  return {
    model: baseline.name,
    ...tally.perplexity(),
    texts: tally.texts(names).map((text, index) => ({ ...text, klDivergence: byText[index] as number })),
    ...comparison.comparison(),
    expertLoad: tally.loads(),
  };
}

function expertsOf({ config }: ModelSource, layer: number): number {
  const found = config.layers[layer];
  return (found === undefined ? null : layerMoe(found))?.route.experts ?? 0;
}

/** A routing without its first tokens. */
function withoutFirst(routing: Routing, tokens: number): Routing {
  const { expertsPerToken, expertIndices, expertWeights } = routing;
  return {
    tokens: routing.tokens - tokens,
    expertsPerToken,
    expertIndices: expertIndices.subarray(tokens * expertsPerToken),
    expertWeights: expertWeights.subarray(tokens * expertsPerToken),
  };
}

function assertPredicts(
  { logits, logSumExp }: Prediction,
  { name }: ModelSource,
  texts: readonly EvaluationText[],
  job: TextJob,
  position: number,
): void {
  if (Number.isFinite(logSumExp) && Number.isFinite(logits[job.ids[position] as number])) return;
  throw new MoeqError({
    operation: 'evaluate',
    subject: name,
    expected: 'finite logits',
    found: `${logSumExp} for token ${job.window.first + position} of ${texts[job.text]?.name ?? ''}`,
  });
}
