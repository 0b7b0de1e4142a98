// The form of a reply: free text, JSON held by a grammar, or calls of functions.
//
// Calls come in two ways. Where one is required, a grammar holds the whole text to `{"name": …, "arguments": …}`.
// Otherwise the model may write `<tool_call>` around such an object, as models with templates of the Hermes form do (Qwen,
// and others like OLMoE); a block that is no such call stays text.
import type { TokenConstraint } from '@moeq/runtime';
import type { Calls, ChatFields } from './prepare.js';
import type { Ready } from './served-model.js';

export interface ChatFormat {
  readonly calls: Calls;
  /** A fresh one for each text. */
  readonly constraint: () => TokenConstraint | undefined;
}

/**
 * @param client in whose turn a schema is compiled
 * @throws ApiError 400 for an unsupported schema, 429 where too many wait to be compiled
 */
export async function chatFormat(
  { calls, grammar }: ChatFields,
  client: string,
  { grammars }: Ready,
): Promise<ChatFormat> {
  return { calls, constraint: await grammars.constraints(grammar, client) };
}
