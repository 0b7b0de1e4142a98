// The body of POST /v1/chat/completions, and its messages as chat templates know them.
import type { ChatMessage } from '@moeq/runtime';
import * as v from 'valibot';
import { sharedFields } from './fields.js';
import { wholeBetween } from './numbers.js';

const textParts = v.array(
  v.strictObject({ type: v.literal('text', 'expected text, the only kind of part here'), text: v.string() }),
);
const content = v.union([v.string(), textParts], 'expected a text or a list of text parts');
const name = v.nullish(v.pipe(v.string(), v.maxLength(256)));

const functionName = v.pipe(
  v.string(),
  v.regex(/^[\w-]{1,64}$/, 'expected up to 64 letters, digits, underscores and dashes'),
);

/** What clients send back comes from an answer, with whatever they have added to it since. */
const toolCall = v.object({
  id: v.string(),
  type: v.literal('function'),
  function: v.object({ name: functionName, arguments: v.string() }),
});

const message = v.variant('role', [
  v.strictObject({ role: v.picklist(['system', 'developer']), content, name }),
  v.strictObject({ role: v.literal('user'), content, name }),
  v.object({
    role: v.literal('assistant'),
    content: v.nullish(content),
    name,
    tool_calls: v.nullish(v.array(toolCall)),
  }),
  v.strictObject({ role: v.literal('tool'), content, tool_call_id: v.string() }),
]);

const tool = v.strictObject({
  type: v.literal('function'),
  function: v.strictObject({
    name: functionName,
    description: v.nullish(v.string()),
    parameters: v.nullish(v.record(v.string(), v.unknown())),
    strict: v.nullish(v.boolean()),
  }),
});

const toolChoice = v.union(
  [
    v.picklist(['none', 'auto', 'required']),
    v.strictObject({ type: v.literal('function'), function: v.strictObject({ name: functionName }) }),
  ],
  "expected 'none', 'auto', 'required' or a function's name",
);

const responseFormat = v.variant('type', [
  v.strictObject({ type: v.literal('text') }),
  v.strictObject({ type: v.literal('json_object') }),
  v.strictObject({
    type: v.literal('json_schema'),
    json_schema: v.strictObject({
      name: v.pipe(v.string(), v.maxLength(64)),
      description: v.nullish(v.string()),
      schema: v.nullish(v.record(v.string(), v.unknown())),
      strict: v.nullish(v.boolean()),
    }),
  }),
]);

export const chatRequest = v.strictObject({
  ...sharedFields,
  messages: v.pipe(v.array(message), v.minLength(1, 'expected at least one message')),
  max_completion_tokens: sharedFields.max_tokens,
  logprobs: v.nullish(v.boolean()),
  top_logprobs: v.nullish(wholeBetween(0, 20)),
  response_format: v.nullish(responseFormat),
  tools: v.nullish(v.pipe(v.array(tool), v.maxLength(128, 'expected at most 128 tools'))),
  tool_choice: v.nullish(toolChoice),
  parallel_tool_calls: v.nullish(v.boolean()),
  // Taken and not used: they say nothing about the text of a model like these.
  metadata: v.nullish(v.record(v.string(), v.string())),
  store: v.nullish(v.boolean()),
  service_tier: v.nullish(v.string()),
  safety_identifier: v.nullish(v.string()),
  prompt_cache_key: v.nullish(v.string()),
  prompt_cache_retention: v.nullish(v.string()),
  prompt_cache_options: v.nullish(v.unknown()),
  prediction: v.nullish(v.unknown()),
  reasoning_effort: v.nullish(v.string()),
  verbosity: v.nullish(v.string()),
  modalities: v.nullish(v.array(v.literal('text', 'expected text, the only modality here'))),
  functions: v.nullish(v.never('expected none; tools take their place')),
  function_call: v.nullish(v.never('expected none; tool_choice takes its place')),
});

export type ChatRequest = v.InferOutput<typeof chatRequest>;
export type Tool = v.InferOutput<typeof tool>;
export type ResponseFormat = v.InferOutput<typeof responseFormat>;

/** Texts joined, `developer` as `system`, arguments of calls as JSON rather than text: what templates expect. */
export function templateMessages(messages: ChatRequest['messages']): ChatMessage[] {
  return messages.map((each) => {
    const plain = { role: each.role === 'developer' ? 'system' : each.role, content: textOf(each.content) };
    if (each.role === 'tool') return { ...plain, tool_call_id: each.tool_call_id };
    const named = typeof each.name === 'string' ? { ...plain, name: each.name } : plain;
    if (each.role !== 'assistant' || (each.tool_calls ?? []).length === 0) return named;
    const calls = (each.tool_calls ?? []).map(
      ({ id, type, function: { name: called, arguments: given } }) => ({
        id,
        type,
        function: { name: called, arguments: parsed(given) },
      }),
    );
    return { ...named, tool_calls: calls };
  });
}

function textOf(given: ChatRequest['messages'][number]['content']): string {
  if (given === null || given === undefined) return '';
  return typeof given === 'string' ? given : given.map(({ text }) => text).join('');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}
