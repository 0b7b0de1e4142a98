// The text of one reply, as it comes, split into what the reader sees and calls of functions.
import type { ChatFormat } from './chat-format.js';
import { CallReader, parseCall, type ToolCall, type ToolCallDelta, toolCall } from './tool-calls.js';

const opening = '<tool_call>';
const closing = '</tool_call>';

/** A part of a message, as a chunk of a stream has it. Empty where nothing is certain yet. */
export interface Delta {
  readonly content?: string;
  readonly tool_calls?: readonly ToolCallDelta[];
}

export class MessageReader {
  readonly #calls: ChatFormat['calls'];
  readonly #toolCalls: ToolCall[] = [];
  /** The call that the whole text is, where one is required. */
  readonly #required = new CallReader();
  content = '';
  /** Text that may become part of a call. */
  #held = '';

  constructor({ calls }: Pick<ChatFormat, 'calls'>) {
    this.#calls = calls;
  }

  /** All that are complete, and a required one as far as it has come. */
  get toolCalls(): readonly ToolCall[] {
    return this.#toolCalls;
  }

  /** @returns what is certain now */
  push(text: string): Delta {
    if (this.#calls === 'none') return this.#delta(this.#show(text));
    if (this.#calls === 'required') return this.#pushRequired(text);
    this.#held += text;
    return this.#marked();
  }

  /** The text has ended. @returns what was held back */
  end(): Delta {
    const rest = this.#held;
    this.#held = '';
    return this.#delta(this.#show(rest));
  }

  #pushRequired(text: string): Delta {
    const before = this.#required.name;
    const more = this.#required.push(text);
    const { name } = this.#required;
    if (name === null) {
      // Shown as it is should the text end here.
      this.#held += text;
      return {};
    }
    this.#held = '';
    const call = before === null ? toolCall(name, more) : this.#toolCalls[0];
    if (call === undefined) return {};
    this.#toolCalls[0] = { ...call, function: { name, arguments: this.#required.arguments } };
    if (before === null) return { tool_calls: [{ index: 0, ...call }] };
    return more === '' ? {} : { tool_calls: [{ index: 0, function: { arguments: more } }] };
  }

  #marked(): Delta {
    let shown = '';
    const calls: ToolCallDelta[] = [];
    for (;;) {
      const start = this.#held.indexOf(opening);
      const end = this.#held.indexOf(closing, start);
      if (start === -1 || end === -1) {
        const certain = start === -1 ? this.#held.length - possibleBeginning(this.#held) : start;
        shown += this.#show(this.#held.slice(0, certain));
        this.#held = this.#held.slice(certain);
        return this.#delta(shown, calls);
      }
      const block = this.#held.slice(start, end + closing.length);
      const before = this.#held.slice(0, start);
      this.#held = this.#held.slice(end + closing.length);
      const call = parseCall(block.slice(opening.length, -closing.length));
      shown += this.#show(call === null ? before + block : before);
      if (call === null) continue;
      calls.push({ index: this.#toolCalls.length, ...call });
      this.#toolCalls.push(call);
    }
  }

  #show(text: string): string {
    this.content += text;
    return text;
  }

  #delta(content: string, calls: readonly ToolCallDelta[] = []): Delta {
    return { ...(content !== '' && { content }), ...(calls.length > 0 && { tool_calls: calls }) };
  }
}

/** Length of the longest end of `text` that may become the opening mark. */
function possibleBeginning(text: string): number {
  for (let length = Math.min(text.length, opening.length - 1); length > 0; length -= 1) {
    if (opening.startsWith(text.slice(text.length - length))) return length;
  }
  return 0;
}
