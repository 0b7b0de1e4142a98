// Messages as clients have come to write them, in the form that OpenAI documents and chat templates count on: a result
// names its call, a call has its arguments as text, content is text or a list of text parts.
import { JsonNumber } from '@moeq/runtime';
import { toleratedContent } from './tolerated-content.js';
import { type Fields, isFields, type Note } from './tolerated-fields.js';

/** @param exact the messages with their numbers as they were written; called where numbers become text */
export function toleratedMessages(messages: readonly unknown[], note: Note, exact: () => unknown): unknown[] {
  const calls = new PendingCalls();
  const exactAt = (index: number): unknown => {
    const all = exact();
    return Array.isArray(all) ? (all[index] as unknown) : undefined;
  };
  return messages.map((each, index) => {
    if (!isFields(each)) return each;
    let message = toleratedContent(each, note);
    if (message.role === 'assistant') {
      message = withTextArguments(withToolCalls(message, note), note, () => exactAt(index));
      calls.ask(message.tool_calls);
    } else if (message.role === 'function' || message.role === 'tool') {
      message = resultOf(message, calls, note);
    }
    return message;
  });
}

/** Ids of the calls of the last answer that have no result yet. */
class PendingCalls {
  #open: { readonly id: string; readonly name: unknown }[] = [];

  ask(calls: unknown): void {
    if (!Array.isArray(calls)) return;
    this.#open = calls.filter(isFields).map(({ id, function: called }) => ({
      id: typeof id === 'string' ? id : '',
      name: isFields(called) ? called.name : undefined,
    }));
  }

  answered(id: unknown): void {
    const at = this.#open.findIndex((call) => call.id === id);
    if (at >= 0) this.#open.splice(at, 1);
  }

  /** The first one of that name, else the first one; '' where there is none. */
  next(name: unknown): string {
    return (this.#open.find((call) => call.name === name) ?? this.#open[0])?.id ?? '';
  }
}

function resultOf(message: Fields, calls: PendingCalls, note: Note): Fields {
  const { role, tool_call_id: own } = message;
  if (role === 'function') note('messages[].role', "'function' is read as 'tool'");
  else if (typeof own !== 'string') {
    if (own !== undefined && own !== null) return message;
    note('messages[].tool_call_id', 'absent, the result is taken for the first call without one');
  }
  const id = typeof own === 'string' ? own : calls.next(message.name);
  calls.answered(id);
  return { ...message, role: 'tool', tool_call_id: id };
}

/** The one call of an answer, as it was before tools. */
function withToolCalls(message: Fields, note: Note): Fields {
  const { function_call: call, ...others } = message;
  if (!isFields(call) || (Array.isArray(message.tool_calls) && message.tool_calls.length > 0)) return message;
  note('messages[].function_call', 'is read as one of tool_calls');
  const id = `call_${String(call.name)}`;
  return { ...others, tool_calls: [{ id, type: 'function', function: call }] };
}

function withTextArguments(message: Fields, note: Note, exact: () => unknown): Fields {
  const { tool_calls: calls } = message;
  if (!Array.isArray(calls)) return message;
  const exactCall = (index: number): unknown => {
    const whole = fieldOf(exact(), 'tool_calls');
    const call: unknown = Array.isArray(whole) ? whole[index] : fieldOf(exact(), 'function_call');
    return fieldOf(Array.isArray(whole) ? fieldOf(call, 'function') : call, 'arguments');
  };
  const written = calls.map((call: unknown, index) => {
    if (!isFields(call) || !isFields(call.function)) return call;
    const { arguments: given } = call.function;
    if (typeof given === 'string' || (!isFields(given) && given !== null && given !== undefined)) return call;
    note('messages[].tool_calls[].function.arguments', 'no text, is read as the JSON of it');
    const text = isFields(given) ? jsonOf(exactCall(index) ?? given) : '{}';
    return { ...call, function: { ...call.function, arguments: text } };
  });
  return written.every((call, index) => call === calls[index])
    ? message
    : { ...message, tool_calls: written };
}

/** Of an object of `exactJson`, which may be a Map. */
function fieldOf(value: unknown, name: string): unknown {
  if (value instanceof Map) return value.get(name) as unknown;
  return isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined;
}

/** JSON of a value of `exactJson`, its numbers as they were written. */
function jsonOf(value: unknown): string {
  if (value instanceof JsonNumber) return value.source;
  if (Array.isArray(value)) return `[${value.map(jsonOf).join(',')}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const entries: [string, unknown][] = value instanceof Map ? [...value] : Object.entries(value);
  return `{${entries.map(([key, each]) => `${JSON.stringify(key)}:${jsonOf(each)}`).join(',')}}`;
}
