// The form of a reply: free text, JSON held by a grammar, or calls of functions.
//
// Calls come in two ways. Where one is required, a grammar holds the whole text to `{"name": …, "arguments": …}`.
// Otherwise the model may write `<tool_call>` around such an object, as models with templates of the Hermes form do (Qwen,
// OLMoE's kin); a block that is no such call stays text.
import type { TokenConstraint } from '@moeq/runtime';
import type { ChatRequest } from './chat-request.js';
import type { Ready } from './served-model.js';

type ChatFields = Pick<ChatRequest, 'tools' | 'tool_choice' | 'response_format'>;

export interface ChatFormat {
  /** Whether the whole text is one call, or may hold calls, or is text. */
  readonly calls: 'required' | 'marked' | 'none';
  /** A fresh one for each text. */
  readonly constraint: () => TokenConstraint | undefined;
}

/** @throws ApiError 400 for an unsupported schema */
export function chatFormat(fields: ChatFields, { grammars }: Ready): ChatFormat {
  const choice = fields.tool_choice ?? 'auto';
  const tools = choice === 'none' ? [] : (fields.tools ?? []);
  if (tools.length > 0 && (choice === 'required' || typeof choice === 'object')) {
    const callable =
      typeof choice === 'object'
        ? tools.filter((tool) => tool.function.name === choice.function.name)
        : tools;
    return { calls: 'required', constraint: grammars.call(callable) };
  }
  const constraint = grammars.format(fields.response_format ?? { type: 'text' });
  return { calls: tools.length === 0 ? 'none' : 'marked', constraint };
}
