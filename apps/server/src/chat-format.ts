// The form of a reply: free text, JSON held by a grammar, or calls of functions.
//
// Calls come in two ways. Where one is required, a grammar holds the whole text to `{"name": …, "arguments": …}`.
// Otherwise the model may write `<tool_call>` around such an object, as models with templates of the Hermes form do (Qwen,
// OLMoE's kin); a block that is no such call stays text.
import type { TokenConstraint } from '@moeq/runtime';
import { badField } from './api-error.js';
import { type ChatRequest, type Tool, templateMessages } from './chat-request.js';
import type { Ready } from './served-model.js';

export interface ChatFormat {
  /** For the template; undefined: none. */
  readonly tools: readonly Tool[] | undefined;
  /** Whether the whole text is one call, or may hold calls, or is text. */
  readonly calls: 'required' | 'marked' | 'none';
  /** A fresh one for each text. */
  readonly constraint: () => TokenConstraint | undefined;
}

/** @throws ApiError 400 for tools that the template does not take, a function that is not there, an unsupported schema */
export function chatFormat(request: ChatRequest, ready: Ready): ChatFormat {
  const choice = request.tool_choice ?? 'auto';
  const given = request.tools ?? [];
  if (typeof choice === 'object' && !given.some((tool) => tool.function.name === choice.function.name)) {
    throw badField(
      'tool_choice',
      `expected one of the tools, found ${choice.function.name}`,
      'invalid_value',
    );
  }
  const required = choice === 'required' || typeof choice === 'object';
  if (choice === 'required' && given.length === 0)
    throw badField('tool_choice', 'required, and tools is empty');
  const tools = choice === 'none' || given.length === 0 ? undefined : given;
  if (tools !== undefined) assertTemplate(request, tools, ready);
  const { grammars } = ready;
  if (tools !== undefined && required) {
    const callable =
      typeof choice === 'object'
        ? tools.filter((tool) => tool.function.name === choice.function.name)
        : tools;
    return { tools, calls: 'required', constraint: grammars.call(callable) };
  }
  const constraint = grammars.format(request.response_format ?? { type: 'text' });
  return { tools, calls: tools === undefined ? 'none' : 'marked', constraint };
}

/** A template that does not know tools would drop them without a word. */
function assertTemplate({ messages }: ChatRequest, tools: readonly Tool[], { engine, model }: Ready): void {
  const conversation = { messages: templateMessages(messages) };
  let taken: boolean;
  try {
    const [told, silent] = [engine.encode({ ...conversation, tools }), engine.encode(conversation)];
    taken = told.length !== silent.length || told.some((id, index) => id !== silent[index]);
  } catch {
    // Too long or refused: the text's own error says so.
    return;
  }
  if (!taken)
    throw badField('tools', `the chat template of ${model.name} takes no tools`, 'unsupported_value');
}
