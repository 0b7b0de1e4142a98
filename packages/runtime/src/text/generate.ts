// Drives one generation from its prompt to its end: feeds the prompt in chunks, then one token a step. Other generations of
// the same model may run meanwhile; the backend runs their steps one after the other.
import type { Sequence } from '../caches/sequence.js';
import type { Tokenizer } from '../model-source.js';
import type { RevivableExecutor } from '../run/revive.js';
import { runBatch } from '../run/run-batch.js';
import { type GeneratedPiece, Generation, type GenerationSettings } from './generation.js';

export interface GenerateContext {
  readonly executor: RevivableExecutor;
  readonly tokenizer: Tokenizer | null;
  /** Tokens of the prompt that one step takes. */
  readonly prefillChunk: number;
}

/**
 * The pieces of a generation, the last of them with the result. The sequence's pages are freed when it has ended, when an
 * error ends it, and when the consumer leaves its loop.
 * @param sequence holds the prompt
 * @param signal ends the generation before the next step
 */
export async function* generate(
  { executor, tokenizer, prefillChunk }: GenerateContext,
  sequence: Sequence,
  settings: GenerationSettings,
  signal: AbortSignal | undefined,
): AsyncGenerator<GeneratedPiece, void, void> {
  const generation = new Generation(sequence, tokenizer, settings);
  try {
    while (generation.finishReason === null) {
      if (signal?.aborted === true) {
        generation.abort();
        break;
      }
      const phase = generation.phase;
      const began = performance.now();
      const logits = await feed(executor, sequence, prefillChunk);
      const piece = logits === null ? null : generation.accept(logits);
      generation.addSeconds(phase, (performance.now() - began) / 1000);
      if (piece !== null) yield piece;
    }
    yield generation.end();
  } finally {
    sequence.release();
  }
}

/** One step. The logits after the last token, float32 [V]; null while more of the prompt is to come. */
async function feed(
  executor: RevivableExecutor,
  sequence: Sequence,
  chunk: number,
): Promise<Float32Array | null> {
  await executor.revive();
  const count = Math.min(chunk, sequence.alike);
  const last = count === sequence.pending;
  const [result] = await runBatch(executor, [{ sequence, count, logits: last ? 'last' : 'none' }]);
  return last && result !== undefined ? result.logits : null;
}
