// Log probabilities in the two shapes that OpenAI gives them: of chats, and of text completions.
import type { GeneratedPiece, Model, Tokenizer, TokenLogprobs } from '@moeq/runtime';

/** The log probabilities of the tokens of one text. */
export class ShownLogprobs {
  readonly #stops: ReadonlySet<number>;
  #held: TokenLogprobs[] = [];

  constructor({ stopTokenIds }: Model) {
    this.#stops = new Set(stopTokenIds);
  }

  /**
   * Tokens whose text waits, within a character or where a stop string may begin, wait with it. Those of a stop string
   * and of the end are never reported.
   * @returns the tokens that the text of a piece is made of
   */
  take({ text, tokenId, logprobs }: GeneratedPiece): readonly TokenLogprobs[] {
    if (logprobs !== undefined && tokenId !== null && !this.#stops.has(tokenId)) this.#held.push(logprobs);
    return text === '' ? [] : this.#held.splice(0);
  }
}

export interface ChatLogprob {
  readonly token: string;
  readonly logprob: number;
  /** UTF-8; null where the token has none to tell. */
  readonly bytes: readonly number[] | null;
  readonly top_logprobs: readonly Omit<ChatLogprob, 'top_logprobs'>[];
}

export function chatLogprob(tokenizer: Tokenizer | null, entry: TokenLogprobs): ChatLogprob {
  const of = ({ tokenId, logprob }: { tokenId: number; logprob: number }) => ({
    token: tokenText(tokenizer, tokenId),
    logprob,
    bytes: bytesOf(tokenizer, tokenId),
  });
  return { ...of(entry), top_logprobs: entry.top.map(of) };
}

export interface CompletionLogprobs {
  readonly tokens: string[];
  readonly token_logprobs: number[];
  readonly top_logprobs: Record<string, number>[];
  readonly text_offset: number[];
}

/**
 * @param offset characters of the text before the first token
 * @returns also the offset behind the last one
 */
export function completionLogprobs(
  tokenizer: Tokenizer | null,
  entries: readonly TokenLogprobs[],
  offset: number,
): { readonly reported: CompletionLogprobs; readonly end: number } {
  const reported: CompletionLogprobs = { tokens: [], token_logprobs: [], top_logprobs: [], text_offset: [] };
  let at = offset;
  for (const { tokenId, logprob, top } of entries) {
    const token = tokenText(tokenizer, tokenId);
    reported.tokens.push(token);
    reported.token_logprobs.push(logprob);
    const shown = [...top, { tokenId, logprob }].map((each) => [
      tokenText(tokenizer, each.tokenId),
      each.logprob,
    ]);
    reported.top_logprobs.push(Object.fromEntries(shown) as Record<string, number>);
    reported.text_offset.push(at);
    at += token.length;
  }
  return { reported, end: at };
}

function tokenText(tokenizer: Tokenizer | null, id: number): string {
  const bytes = bytesOf(tokenizer, id);
  if (bytes !== null) return new TextDecoder().decode(Uint8Array.from(bytes));
  return tokenizer === null || id >= tokenizer.vocabularySize ? '' : tokenizer.decode([id]);
}

function bytesOf(tokenizer: Tokenizer | null, id: number): number[] | null {
  const bytes = tokenizer?.tokenBytes?.(id) ?? null;
  return bytes === null ? null : [...bytes];
}
