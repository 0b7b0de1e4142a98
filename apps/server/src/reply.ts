// The form of a reply: free text, JSON held by a grammar, calls of functions, and how the text becomes a message.
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

export interface ToolCall {
  readonly index: number;
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
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
    taken = engine.countTokens({ ...conversation, tools }) !== engine.countTokens(conversation);
  } catch {
    // Too long or refused: the text's own error says so.
    return;
  }
  if (!taken)
    throw badField('tools', `the chat template of ${model.name} takes no tools`, 'unsupported_value');
}

const opening = '<tool_call>';
const closing = '</tool_call>';

/** Takes the text of one reply as it comes; answers what of it is content, and collects calls. */
export class MessageReader {
  readonly #calls: ChatFormat['calls'];
  readonly toolCalls: ToolCall[] = [];
  #taken = 0;
  content = '';
  #held = '';

  constructor({ calls }: ChatFormat) {
    this.#calls = calls;
  }

  /** @returns the content that is certain now */
  push(text: string): string {
    if (this.#calls === 'none') return this.#show(text);
    this.#held += text;
    return this.#calls === 'required' ? '' : this.#marked();
  }

  /** @returns the content that was held back */
  end(): string {
    const rest = this.#held;
    this.#held = '';
    return this.#calls === 'required' && this.#addCall(rest) ? '' : this.#show(rest);
  }

  /** Calls that came since it was asked last. */
  takeCalls(): ToolCall[] {
    const fresh = this.toolCalls.slice(this.#taken);
    this.#taken = this.toolCalls.length;
    return fresh;
  }

  #show(text: string): string {
    this.content += text;
    return text;
  }

  #marked(): string {
    let shown = '';
    for (;;) {
      const start = this.#held.indexOf(opening);
      const end = this.#held.indexOf(closing, start);
      if (start === -1 || end === -1) {
        const certain = start === -1 ? this.#held.length - possibleBeginning(this.#held) : start;
        shown += this.#show(this.#held.slice(0, certain));
        this.#held = this.#held.slice(certain);
        return shown;
      }
      const block = this.#held.slice(start, end + closing.length);
      const before = this.#held.slice(0, start);
      this.#held = this.#held.slice(end + closing.length);
      const isCall = this.#addCall(block.slice(opening.length, -closing.length));
      shown += this.#show(isCall ? before : before + block);
    }
  }

  #addCall(text: string): boolean {
    let call: unknown;
    try {
      call = JSON.parse(text);
    } catch {
      return false;
    }
    if (typeof call !== 'object' || call === null || !('name' in call) || typeof call.name !== 'string')
      return false;
    const given = 'arguments' in call ? call.arguments : {};
    this.toolCalls.push({
      index: this.toolCalls.length,
      id: `call_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`,
      type: 'function',
      function: { name: call.name, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
    });
    return true;
  }
}

/** Length of the longest end of `text` that may become the opening mark. */
function possibleBeginning(text: string): number {
  for (let length = Math.min(text.length, opening.length - 1); length > 0; length -= 1) {
    if (opening.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
