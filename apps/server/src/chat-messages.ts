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

/** `developer` as `system`, and no field that is null; all others as they came, arguments of calls as the text they are. */
export function templateMessages(messages: readonly Message[]): ChatMessage[] {
  return messages.map((each) => {
    const fields = Object.entries(each).filter(([, value]) => value !== null && value !== undefined);
    const { tool_calls: calls, ...others } = Object.fromEntries(fields);
    return {
      ...others,
      role: each.role === 'developer' ? 'system' : each.role,
      content: contentOf(each),
      ...(each.role === 'assistant' &&
        Array.isArray(calls) &&
        calls.length > 0 && { tool_calls: (each.tool_calls ?? []).map(wholeCall) }),
    };
  });
}

/**
 * An answer that refused has its text in a field of its own. One that calls has no text: null, which templates such as
 * DeepSeek's ask for; others may join a text.
 */
function contentOf(each: Message): string | readonly object[] | null {
  const { content: given } = each;
  if (Array.isArray(given) && given.length > 0) {
    return given.map((of) => ({ type: 'text', text: of.type === 'text' ? of.text : of.refusal }));
  }
  if (typeof given === 'string' && given !== '') return given;
  if (each.role !== 'assistant') return '';
  const calls = each.tool_calls ?? [];
  return each.refusal ?? (calls.length > 0 && typeof given !== 'string' ? null : '');
}

/** With the fields that templates count on; several clients send a call without arguments as an empty text. */
function wholeCall(call: v.InferOutput<typeof toolCall>): object {
  const { arguments: given } = call.function;
  const filled = given.trim() === '' ? '{}' : given;
  return { ...call, type: 'function', function: { ...call.function, arguments: filled } };
}
