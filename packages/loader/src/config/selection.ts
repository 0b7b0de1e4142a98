// Sparse attention, as far as it is run: an indexer selects the tokens that a token attends to, which is all of them as long as
// there are no more than it selects. The context ends there, and indexers are left aside.
import type { DecoderConfig } from '@moeq/runtime';

/** @param tokens that an indexer selects */
export function withinSelection(decoder: DecoderConfig, tokens: number): DecoderConfig {
  return { ...decoder, contextLength: Math.min(decoder.contextLength, tokens), selectionLength: tokens };
}

/** For a notice; null: all of the context is run. */
export function describeSelection({ selectionLength: tokens }: DecoderConfig): string | null {
  if (tokens === undefined) return null;
  return `the context ends at ${tokens} tokens: beyond them sparse attention selects, which is not run`;
}
