// How a text longer than a context is cut: windows of at most `window` tokens, each run by itself, begin every `stride`
// tokens. A token is scored once, in the first window that holds it behind another token: with stride = window all but the
// first of each window, with a smaller stride those that no earlier window held, which then see at least window - stride
// tokens before them. https://huggingface.co/docs/transformers/perplexity
import { checkOptions, checks } from '@moeq/tensors';

/** Tokens `first` to `end` - 1 of a text. */
export interface Window {
  readonly first: number;
  readonly end: number;
  /** The first token that no earlier window held. */
  readonly fresh: number;
  /** The first token that is scored; all up to `end` are. */
  readonly scored: number;
}

export interface WindowOptions {
  /** Tokens a window, at least 2. */
  readonly window: number;
  /** Tokens from one window to the next, from 1 to `window`. */
  readonly stride: number;
}

/**
 * The windows of a text, in order. One of a single token has nothing to score and does not count.
 * @throws MoeqError for a window or stride out of range
 */
export function textWindows(tokens: number, { window, stride }: WindowOptions): Window[] {
  checkOptions(
    'evaluate',
    { window, stride },
    { window: checks.integer({ min: 2 }), stride: checks.integer({ min: 1, max: window }) },
  );
  const windows: Window[] = [];
  for (let first = 0, fresh = 0; fresh < tokens; first += stride) {
    const end = Math.min(first + window, tokens);
    const scored = Math.max(fresh, first + 1);
    if (scored < end) windows.push({ first, end, fresh, scored });
    fresh = end;
  }
  return windows;
}
