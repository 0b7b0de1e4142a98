// Messages as values of a template: all their fields, contents in the form that the template takes, and the arguments of
// tool calls as the text that was sent and the map that it denotes.
import { type ChatMessage, exactJson } from '@moeq/runtime';
import type { Budget } from '../jinja/budget.js';
import { fromJson } from '../jinja/from-json.js';
import { Dict, isList, SentText, type Value } from '../jinja/python/values.js';

/** @param takesParts whether the template goes through the parts of a content; else texts among them are joined */
export function messageOf(message: ChatMessage, takesParts: boolean, budget: Budget): Value {
  const value = fromJson(message, budget);
  if (!(value instanceof Dict)) return value;
  return new Dict(
    value.entries().map(([key, field]): [Value, Value] => {
      if (key === 'content' && !takesParts) return [key, joined(field)];
      if (key === 'tool_calls' && isList(field)) return [key, field.map((call) => callOf(call, budget))];
      return [key, field];
    }),
  );
}

/** The text of parts that are texts; anything else stays. */
function joined(content: Value): Value {
  if (!isList(content)) return content;
  const texts = content.map((part) => (part instanceof Dict ? part.get('text') : undefined));
  return texts.every((text) => typeof text === 'string') ? texts.join('') : content;
}

/** Arguments lie in the function of a call, or in the call itself. */
function callOf(call: Value, budget: Budget): Value {
  if (!(call instanceof Dict)) return call;
  return new Dict(
    call.entries().map(([key, field]): [Value, Value] => {
      if (key === 'arguments') return [key, argumentsOf(field, budget)];
      return key === 'function' ? [key, callOf(field, budget)] : [key, field];
    }),
  );
}

/** A text that is no JSON object stays a text; an empty one denotes no arguments. */
function argumentsOf(given: Value, budget: Budget): Value {
  if (typeof given !== 'string') return given;
  const map = mapOf(given, budget);
  return map === null ? given : new SentText(given, map);
}

function mapOf(text: string, budget: Budget): Dict | null {
  if (text.trim() === '') return new Dict();
  try {
    const value = fromJson(exactJson(text), budget);
    return value instanceof Dict ? value : null;
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
}
