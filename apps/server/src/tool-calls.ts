// Calls of functions, read from the text of a reply: `{"name": …, "arguments": …}`. The arguments are handed on as the
// model wrote them, so that no number is rounded and a stream can tell them as they come.

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  readonly function: { readonly name: string; readonly arguments: string };
}

/** What a chunk of a stream has of a call: its head, then more of its arguments. */
export interface ToolCallDelta {
  readonly index: number;
  readonly id?: string;
  readonly type?: 'function';
  readonly function: { readonly name?: string; readonly arguments: string };
}

export function toolCall(name: string, given: string): ToolCall {
  const id = `call_${crypto.randomUUID().replaceAll('-', '').slice(0, 24)}`;
  return { id, type: 'function', function: { name, arguments: given } };
}

/** The head of a call, up to its arguments. */
const head = /^\s*\{\s*"name"\s*:\s*("(?:[^"\\]|\\.)*")\s*,\s*"arguments"\s*:\s*(?=\S)/;

/** One call as its text comes: name before arguments, as the grammar of a required call has them. */
export class CallReader {
  /** The text so far while the head is incomplete. */
  #text = '';
  #name: string | null = null;
  #arguments = '';
  #depth = 0;
  #inString = false;
  #escaped = false;
  #complete = false;

  /** null while it is not complete. */
  get name(): string | null {
    return this.#name;
  }

  /** As far as they have come. */
  get arguments(): string {
    return this.#arguments;
  }

  /** @returns more of the arguments */
  push(text: string): string {
    if (this.#name !== null) return this.#read(text);
    this.#text += text;
    const found = head.exec(this.#text);
    if (found === null) return '';
    this.#name = JSON.parse(found[1] ?? '""') as string;
    return this.#read(this.#text.slice(found[0].length));
  }

  /** Takes what belongs to the arguments: up to the bracket that closes the first one, or the end of a bare value. */
  #read(text: string): string {
    let end = 0;
    for (; end < text.length && !this.#complete; end += 1) {
      const character = text[end] as string;
      if (this.#depth === 0 && !this.#inString && /[,}]/.test(character)) {
        this.#complete = true;
        break;
      }
      this.#step(character);
    }
    const taken = text.slice(0, end);
    this.#arguments += taken;
    return taken;
  }

  #step(character: string): void {
    if (this.#escaped) this.#escaped = false;
    else if (this.#inString) {
      if (character === '\\') this.#escaped = true;
      else if (character === '"') this.#inString = false;
    } else if (character === '"') this.#inString = true;
    else if (character === '{' || character === '[') this.#depth += 1;
    else if (character === '}' || character === ']') {
      this.#depth -= 1;
      this.#complete = this.#depth === 0;
    }
  }
}

/** The call that a complete text is; null where it is none. */
export function parseCall(text: string): ToolCall | null {
  let call: unknown;
  try {
    call = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof call !== 'object' || call === null || !('name' in call) || typeof call.name !== 'string')
    return null;
  const given = 'arguments' in call ? call.arguments : {};
  if (typeof given === 'string') return toolCall(call.name, given);
  const reader = new CallReader();
  reader.push(text);
  return toolCall(call.name, reader.name === call.name ? reader.arguments.trim() : JSON.stringify(given));
}
