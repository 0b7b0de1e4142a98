// One step of the backend over new tokens of any number of sequences: chunks of prompts beside single tokens of sequences
// that generate. Which sequences take part in a step, and with how many tokens, is the caller's choice.
//
// Shapes: T tokens of the step, R rows whose logits are wanted, V vocabulary, A experts per token.
import type { Backend } from '@moeq/kernels';
import type { Routing } from '@moeq/router';
import { MoeqError } from '@moeq/tensors';
import type { GroupSegments, ModelCaches } from '../caches/model-caches.js';
import type { Sequence } from '../caches/sequence.js';
import { type Decoder, forward } from '../decoder/decoder.js';

/** What a step needs besides its tokens. */
export interface Executor {
  readonly backend: Backend;
  readonly decoder: Decoder;
  readonly caches: ModelCaches;
  /** Losses of the backend before decoder and caches were loaded into it. */
  readonly losses: number;
  /** Weights and caches are freed, or about to be. */
  closed: boolean;
}

export interface Slice {
  readonly sequence: Sequence;
  /** How many of its pending tokens to feed, at least one. */
  readonly count: number;
  /** Of which of these tokens to compute logits. */
  readonly logits: 'none' | 'last' | 'all';
}

/** The experts that the tokens of one slice went to in one layer. */
export interface LayerRouting extends Routing {
  readonly layer: number;
}

export interface SliceResult {
  /** Float32 [0, 1 or count, V]; the caller may write into it. */
  readonly logits: Float32Array;
  /**
   * One entry an MoE layer, where routings were asked for; empty otherwise. Behind the last mixer, of the tokens whose logits
   * are computed alone, and no entry where a step computes none.
   */
  readonly routings: readonly LayerRouting[];
}

/**
 * Feeds the slices in one step and answers in their order. Sequences advance when the step has succeeded.
 * @throws MoeqError when a cache has no room for all of them, the model was closed, or the backend has lost it
 */
export async function runBatch(
  executor: Executor,
  slices: readonly Slice[],
  { routings: wantsRoutings = false }: { routings?: boolean } = {},
): Promise<SliceResult[]> {
  const { backend, decoder, caches } = executor;
  const segments = slices.map(({ sequence, count }) => sequence.segments(count));
  const ofGroups = caches.groups.map((_, group) => segments.map((own) => own[group]) as GroupSegments);
  const ids = Int32Array.from(slices.flatMap(nextTokens)); // [T]
  const rows = Int32Array.from(wantedRows(slices)); // [R]

  const output = await backend.step(async (step) => {
    if (executor.closed) throw closedModel();
    if (isLost(executor)) throw lostModel();
    const { logits, routings } = forward(step, decoder, {
      ids,
      places: caches.places(ofGroups),
      rows: rows.length === ids.length ? 'all' : rows,
    });
    const layers = wantsRoutings ? routings : [];
    return {
      logits: logits === null ? new Float32Array() : await step.read(logits), // [R, V]
      routings: await Promise.all(
        layers.map(async ({ layer, routing }) => ({ layer, ...(await step.readRouting(routing)) })), // [T, A]
      ),
    };
  });
  for (const { sequence, count } of slices) sequence.advance(count);
  return cutBySlice(slices, output, decoder.head.rows);
}

/** Whether the backend has lost decoder and caches. */
export function isLost({ backend, losses }: Executor): boolean {
  return (backend.losses ?? 0) !== losses;
}

function lostModel(): MoeqError {
  return new MoeqError({
    operation: 'run a step',
    subject: 'the model',
    expected: 'weights and caches in the memory of the backend',
    found: 'that they were lost meanwhile',
  });
}

function closedModel(): MoeqError {
  return new MoeqError({
    operation: 'run a step',
    subject: 'the model',
    expected: 'an open model',
    found: 'a closed one',
  });
}

function nextTokens({ sequence, count }: Slice): number[] {
  return sequence.tokens.slice(sequence.cached, sequence.cached + count);
}

function wantedRows(slices: readonly Slice[]): number[] {
  let first = 0;
  return slices.flatMap(({ count, logits }) => {
    const rows = Array.from({ length: count }, (_, index) => first + index);
    first += count;
    return rows.slice(count - logitRows({ count, logits }));
  });
}

function logitRows({ count, logits }: Pick<Slice, 'count' | 'logits'>): number {
  return logits === 'all' ? count : logits === 'last' ? 1 : 0;
}

function cutBySlice(slices: readonly Slice[], output: SliceResult, vocabularySize: number): SliceResult[] {
  const results: SliceResult[] = [];
  const tokens = slices.reduce((sum, { count }) => sum + count, 0);
  let token = 0;
  let row = 0;
  for (const slice of slices) {
    const endToken = token + slice.count;
    const endRow = row + logitRows(slice);
    const [firstToken, firstRow] = [token, row];
    results.push({
      logits: output.logits.subarray(row * vocabularySize, endRow * vocabularySize),
      routings: output.routings.map((routing) =>
        routing.tokens === tokens
          ? cutRouting(routing, firstToken, endToken)
          : cutRouting(routing, firstRow, endRow),
      ),
    });
    token = endToken;
    row = endRow;
  }
  return results;
}

function cutRouting(routing: LayerRouting, first: number, end: number): LayerRouting {
  const { expertsPerToken, expertIndices, expertWeights } = routing;
  return {
    layer: routing.layer,
    tokens: end - first,
    expertsPerToken,
    expertIndices: expertIndices.subarray(first * expertsPerToken, end * expertsPerToken),
    expertWeights: expertWeights.subarray(first * expertsPerToken, end * expertsPerToken),
  };
}
