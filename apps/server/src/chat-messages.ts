// The messages of a chat: what clients send, with whatever they have added to it, and what chat templates get.
import type { ChatMessage } from '@moeq/runtime';
import * as v from 'valibot';

const part = v.variant(
  'type',
  [
    v.object({ type: v.literal('text'), text: v.string() }),
    v.object({ type: v.literal('refusal'), refusal: v.string() }),
  ],
  ({ expected }) =>
    expected === 'Object'
      ? 'expected an object with a type'
      : 'expected text, as the model reads nothing else',
);
const parts = v.array(part);
const text = v.string('expected a text or a list of text parts');
const content = v.lazy((value) => (Array.isArray(value) ? parts : text));

const name = v.nullish(v.pipe(v.string(), v.maxLength(256)));
/** Fields that any message of an answer or of a client's own book-keeping may have. */
const common = { id: v.nullish(v.string()), name };

const toolCall = v.looseObject({
  id: v.nullish(v.string()),
  type: v.nullish(v.literal('function')),
  index: v.nullish(v.number()),
  function: v.looseObject({
    name: v.pipe(v.string(), v.minLength(1, 'expected at least one character'), v.maxLength(256)),
    arguments: v.string(),
  }),
});

/** Fields beyond these are for the template to know. */
export const message = v.variant('role', [
  v.looseObject({ role: v.picklist(['system', 'developer']), content, ...common }),
  v.looseObject({ role: v.literal('user'), content, ...common }),
  v.looseObject({
    role: v.literal('assistant'),
    content: v.nullish(content),
    ...common,
    tool_calls: v.nullish(v.array(toolCall)),
    refusal: v.nullish(v.string()),
    reasoning: v.nullish(v.unknown()),
    reasoning_content: v.nullish(v.string()),
    annotations: v.nullish(v.unknown()),
    audio: v.nullish(v.never('expected none, as the model reads nothing but text')),
    function_call: v.nullish(v.never('expected none; tool_calls take its place')),
  }),
  v.looseObject({ role: v.literal('tool'), content, ...common, tool_call_id: v.string() }),
]);

type Message = v.InferOutput<typeof message>;

/** Texts joined, `developer` as `system`, no field that is null; all others as they came. */
export function templateMessages(messages: readonly Message[]): ChatMessage[] {
  return messages.map((each) => {
    const fields = Object.entries(each).filter(([, value]) => value !== null && value !== undefined);
    const { tool_calls: calls, ...others } = Object.fromEntries(fields);
    return {
      ...others,
      role: each.role === 'developer' ? 'system' : each.role,
      content: contentOf(each),
      ...(Array.isArray(calls) && calls.length > 0 && { tool_calls: calls.map(parsedCall) }),
    };
  });
}

/** An answer that refused has its text in a field of its own. */
function contentOf(each: Message): string {
  const { content: given } = each;
  if (typeof given === 'string') return given;
  const joined = (given ?? []).map((of) => (of.type === 'text' ? of.text : of.refusal)).join('');
  return joined === '' && each.role === 'assistant' ? (each.refusal ?? '') : joined;
}

type Call = v.InferOutput<typeof toolCall>;

function parsedCall(call: Call): object {
  return {
    ...call,
    type: 'function',
    function: { ...call.function, arguments: parsed(call.function.arguments) },
  };
}

function parsed(given: string): unknown {
  // A call without arguments, as several clients send it.
  if (given.trim() === '') return {};
  try {
    return JSON.parse(given) as unknown;
  } catch {
    return given;
  }
}
