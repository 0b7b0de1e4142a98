// Logits after every token of a sequence, for perplexity, comparisons between implementations and router statistics.
//
// Shapes: T tokens of the sequence, V vocabulary, A experts per token.
import { joinRoutings } from '@moeq/router';
import { counted, findNonFinite, MoeqError } from '@moeq/tensors';
import type { Sequence } from '../caches/sequence.js';
import type { RevivableExecutor } from './revive.js';
import { type LayerRouting, runBatch, type SliceResult } from './run-batch.js';

export interface SequenceLogits {
  readonly tokens: number;
  readonly vocabularySize: number;
  /** Float32 [T, V]: row t is about the token after t. */
  readonly logits: Float32Array;
  /** The experts of every token, one entry an MoE layer; empty unless asked for. */
  readonly routings: readonly LayerRouting[];
}

/** Logits that one step holds at most, 64 MiB of them: WebGPU binds 128 MiB unless more is asked for. */
const maxLogitsPerStep = 2 ** 24;

/** Rows of logits that one step of at most `chunk` tokens computes. */
export function logitRowsPerStep(vocabularySize: number, chunk: number): number {
  return Math.max(1, Math.min(chunk, Math.floor(maxLogitsPerStep / vocabularySize)));
}

/**
 * @param sequence not fed yet; the caller releases it
 * @throws MoeqError `notFinite` where the model computes NaN or infinity
 */
export async function sequenceLogits(
  executor: RevivableExecutor,
  sequence: Sequence,
  { chunk, routings, signal }: { chunk: number; routings: boolean; signal: AbortSignal | undefined },
): Promise<SequenceLogits> {
  await executor.revive();
  const vocabularySize = executor.decoder.head.rows;
  const tokens = sequence.pending;
  const rows = logitRowsPerStep(vocabularySize, chunk);
  const logits = new Float32Array(tokens * vocabularySize); // [T, V]
  const parts: SliceResult[] = [];
  while (sequence.pending > 0) {
    signal?.throwIfAborted();
    const first = sequence.cached;
    const count = Math.min(rows, sequence.alike);
    const [part] = await runBatch(executor, [{ sequence, count, logits: 'all' }], { routings });
    if (part === undefined) break;
    assertFiniteLogits(part.logits, first, vocabularySize);
    logits.set(part.logits, first * vocabularySize);
    parts.push(part);
  }
  return { tokens, vocabularySize, logits, routings: routingsOf(parts) };
}

/** @param first token of the sequence that the first row is after */
function assertFiniteLogits(logits: Float32Array, first: number, vocabularySize: number): void {
  const at = findNonFinite(logits);
  if (at < 0) return;
  const token = first + Math.floor(at / vocabularySize);
  throw new MoeqError({
    code: 'notFinite',
    operation: 'compute logits',
    subject: `the logit of token ${at % vocabularySize} after ${counted(token + 1, 'token')}`,
    expected: 'a finite number',
    found: `${logits[at]} (a weight or scale of the checkpoint is not finite, or the arithmetic overflowed)`,
  });
}

/** The routings of consecutive chunks as one a layer. */
function routingsOf(parts: readonly SliceResult[]): LayerRouting[] {
  return (parts[0]?.routings ?? []).flatMap(({ layer }, index) => {
    const joined = joinRoutings(parts.flatMap(({ routings }) => routings[index] ?? []));
    return joined === null ? [] : [{ ...joined, layer }];
  });
}
