// The body of POST /v1/chat/completions.

import { isObject } from '@moeq/tensors';
import * as v from 'valibot';
import { message } from './chat-messages.js';
import { sharedFields } from './fields.js';
import { wholeBetween } from './numbers.js';

/** As OpenAI bounds them. */
const strictNames = {
  function: v.pipe(
    v.string(),
    v.regex(/^[\w-]{1,64}$/, 'expected up to 64 letters, digits, underscores and dashes'),
  ),
  schema: v.pipe(v.string(), v.maxLength(64)),
};

const maxName = 1024;
const name = v.pipe(
  v.string(),
  v.minLength(1, 'expected at least one character'),
  v.maxLength(maxName, `expected at most ${maxName} characters`),
);
/** MCP names its tools with dots and the name of their server. */
const looseNames = { function: name, schema: v.pipe(v.string(), v.maxLength(maxName)) };

type Names = Readonly<Record<'function' | 'schema', v.GenericSchema<string>>>;

/** A schema or the variables of a template: handed on as it came, names such as `__proto__` with it. */
const jsonObject = v.custom<Readonly<Record<string, unknown>>>(isObject, 'expected an object');

/** Templates get them as they came. */
const toolOf = (names: Names) =>
  v.looseObject({
    type: v.literal('function'),
    function: v.looseObject({
      name: names.function,
      description: v.nullish(v.string()),
      parameters: v.nullish(jsonObject),
      strict: v.nullish(v.boolean()),
    }),
  });

const toolChoiceOf = (names: Names) =>
  v.union(
    [
      v.picklist(['none', 'auto', 'required']),
      v.object({ type: v.literal('function'), function: v.object({ name: names.function }) }),
    ],
    "expected 'none', 'auto', 'required' or a function's name",
  );

const responseFormatOf = (names: Names) =>
  v.variant('type', [
    v.object({ type: v.literal('text') }),
    v.object({ type: v.literal('json_object') }),
    v.object({
      type: v.literal('json_schema'),
      json_schema: v.object({
        name: names.schema,
        description: v.nullish(v.string()),
        schema: v.nullish(jsonObject),
        strict: v.nullish(v.boolean()),
      }),
    }),
  ]);

const chatRequestOf = (names: Names) =>
  v.object({
    ...sharedFields,
    messages: v.pipe(v.array(message), v.minLength(1, 'expected at least one message')),
    max_completion_tokens: sharedFields.max_tokens,
    logprobs: v.nullish(v.boolean()),
    top_logprobs: v.nullish(wholeBetween(0, 20)),
    response_format: v.nullish(responseFormatOf(names)),
    tools: v.nullish(v.pipe(v.array(toolOf(names)), v.maxLength(128, 'expected at most 128 tools'))),
    tool_choice: v.nullish(toolChoiceOf(names)),
    parallel_tool_calls: v.nullish(v.boolean()),
    /** Variables of the chat template, as vLLM and SGLang take them. */
    chat_template_kwargs: v.nullish(jsonObject),
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

/** As a strict server takes it. */
export const strictChatRequest = chatRequestOf(strictNames);
/** With names of functions and schemas beyond OpenAI's. */
export const chatRequest = chatRequestOf(looseNames);

export type ChatRequest = v.InferOutput<typeof chatRequest>;
export type Tool = v.InferOutput<ReturnType<typeof toolOf>>;
export type ResponseFormat = v.InferOutput<ReturnType<typeof responseFormatOf>>;
