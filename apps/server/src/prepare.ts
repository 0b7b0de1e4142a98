// From the bytes of a request to what the engine takes: fields that hold, prompts as token ids. It needs neither HTTP nor
// an engine, so a thread of its own can do it: a megabyte of text or 15,000 messages take seconds to render and tokenise.
import { exactJson, type Prompt } from '@moeq/runtime';
import { isMoeqError, isObject } from '@moeq/tensors';
import type * as v from 'valibot';
import { badField, refusedBy } from './api-error.js';
import { type AskedGrammar, callAsked, formatAsked } from './asked-grammar.js';
import { templateMessages } from './chat-messages.js';
import { type ChatRequest, chatRequest, strictChatRequest, type Tool } from './chat-request.js';
import { type CompletionRequest, completionRequest, promptsOf } from './completion-request.js';
import { assertWithin } from './fields.js';
import { parseBody, parseFields } from './json-body.js';
import type { Limits } from './limits.js';
import { tolerated } from './tolerance.js';
import { unknownFields } from './unknown-fields.js';

/** What turns prompts into token ids. */
export interface PromptReader {
  /** Of the model, for messages. */
  readonly name: string;
  /** Tokens of prompt and text together. */
  readonly contextLength: number;
  readonly vocabularySize: number;
  /** @throws MoeqError for a prompt that is too long, with the code `contextLength`, or that cannot be read */
  encode(prompt: Prompt): readonly number[];
}

/** What requests are held to besides the model. */
export interface Rules extends Pick<Limits, 'maxTokens' | 'choices'> {
  /** A field that is not known is an error, and so is one that is not as OpenAI documents it. */
  readonly strict: boolean;
}

export interface Prepared<Fields> {
  /** All but the prompts. */
  readonly fields: Fields;
  /** Token ids of each prompt, in buffers of their own. */
  readonly prompts: readonly Int32Array<ArrayBuffer>[];
  /** Paths of fields that were not used, as nothing here knows them. */
  readonly ignored: readonly string[];
  /** What was read otherwise than as documented, in words. */
  readonly adapted: readonly string[];
}

/** Whether the whole text is one call, or may hold calls, or is text. */
export type Calls = 'required' | 'marked' | 'none';

/** Fields of a chat, but for those that have had their effect or have none: they can be a megabyte. */
export interface ChatFields
  extends Omit<
    ChatRequest,
    | 'messages'
    | 'metadata'
    | 'prediction'
    | 'prompt_cache_options'
    | 'chat_template_kwargs'
    | 'tools'
    | 'tool_choice'
    | 'response_format'
  > {
  readonly calls: Calls;
  /** What the text is held to; null: nothing. */
  readonly grammar: AskedGrammar | null;
}

/** How each kind of request is prepared. @throws ApiError 400 saying what is wrong with it */
export const preparations = {
  chat(body: ArrayBuffer, reader: PromptReader, rules: Rules): Prepared<ChatFields> {
    const { sent, exact, adapted } = read(body, rules);
    const schema = rules.strict ? strictChatRequest : chatRequest;
    const request = parseFields(schema, sent);
    const { messages, metadata, prediction, prompt_cache_options, ...others } = request;
    const { tools: given, tool_choice: choice, chat_template_kwargs: variables, ...some } = others;
    const { response_format: format, ...fields } = some;
    const ignored = ignoredFields(schema, sent, rules);
    assertWithin(fields, { rules, reader, prompts: 1 });
    if ((fields.top_logprobs ?? 0) > 0 && fields.logprobs !== true) {
      throw badField('top_logprobs', 'allowed only where logprobs is true', 'invalid_value');
    }
    const offered = offeredTools(given ?? [], choice);
    // As they were sent, in their order and with their numbers as they were written: templates write them out.
    const tools = offered.length > 0 ? exact().tools : undefined;
    if (tools !== undefined && !takesTools(reader)) {
      throw badField('tools', `the chat template of ${reader.name} takes no tools`, 'unsupported_value');
    }
    const conversation = {
      messages: templateMessages(messages),
      tools,
      ...(isObject(variables) && { variables: recordOf(exact().chat_template_kwargs) }),
    };
    return {
      fields: { ...fields, ...replyOf(offered, choice, format) },
      prompts: [encode(reader, conversation, 'messages')],
      ignored,
      adapted,
    };
  },

  completion(
    body: ArrayBuffer,
    reader: PromptReader,
    rules: Rules,
  ): Prepared<Omit<CompletionRequest, 'prompt'>> {
    const { sent, adapted } = read(body, rules);
    const { prompt, ...fields } = parseFields(completionRequest, sent);
    const ignored = ignoredFields(completionRequest, sent, rules);
    const prompts = promptsOf(prompt);
    assertWithin(fields, { rules, reader, prompts: prompts.length });
    if (typeof fields.best_of === 'number' && fields.best_of !== (fields.n ?? 1)) {
      throw badField('best_of', 'expected the same as n; ranking is not supported', 'unsupported_value');
    }
    return { fields, prompts: prompts.map((each) => encode(reader, each, 'prompt')), ignored, adapted };
  },
};

interface ExactFields extends Readonly<Record<string, unknown>> {
  readonly tools?: readonly object[];
  readonly chat_template_kwargs?: unknown;
}

interface RequestBody {
  /** In the form that OpenAI documents, as far as it can be read so. */
  readonly sent: unknown;
  readonly adapted: readonly string[];
  /** The body as it came, no number in it rounded; read at the first call. */
  exact(): ExactFields;
}

/** @throws ApiError 400 for what is no JSON */
function read(body: ArrayBuffer, { strict }: Rules): RequestBody {
  const parsed = parseBody(body);
  let whole: ExactFields | null = null;
  const exact = (): ExactFields => {
    whole ??= recordOf(exactJson(new TextDecoder().decode(body)));
    return whole;
  };
  if (strict) return { sent: parsed, adapted: [], exact };
  const { body: sent, adapted } = tolerated(parsed, exact);
  return { sent, adapted, exact };
}

/** An object of `exactJson`, which is a Map where its keys have an order that an object would not keep. */
function recordOf(exact: unknown): Readonly<Record<string, unknown>> {
  return exact instanceof Map ? Object.fromEntries(exact) : (exact as Readonly<Record<string, unknown>>);
}

export type Preparations = typeof preparations;
export type Kind = keyof Preparations;

/** @throws ApiError 400 where rules are strict and there are any */
function ignoredFields(schema: v.GenericSchema, sent: unknown, { strict }: Rules): string[] {
  const unknown = unknownFields(schema, sent);
  const [first] = unknown;
  if (strict && first !== undefined) throw badField(first.path, 'an unknown field', 'unknown_field');
  return unknown.filter(({ handedOn }) => !handedOn).map(({ path }) => path);
}

/** Those that the model may call. @throws ApiError 400 for a choice that is not among them */
function offeredTools(given: readonly Tool[], choice: ChatRequest['tool_choice']): readonly Tool[] {
  if (typeof choice === 'object' && choice !== null) {
    const { name } = choice.function;
    if (!given.some((tool) => tool.function.name === name))
      throw badField('tool_choice', `expected one of the tools, found ${name}`, 'invalid_value');
  }
  if (choice === 'required' && given.length === 0)
    throw badField('tool_choice', 'required, and tools is empty');
  return choice === 'none' ? [] : given;
}

/** Calls of tools come before a format. */
function replyOf(
  offered: readonly Tool[],
  choice: ChatRequest['tool_choice'],
  format: ChatRequest['response_format'],
): Pick<ChatFields, 'calls' | 'grammar'> {
  if (typeof choice === 'object' && choice !== null) {
    const { name } = choice.function;
    const called = offered.filter((tool) => tool.function.name === name);
    return { calls: 'required', grammar: callAsked(called) };
  }
  if (choice === 'required') return { calls: 'required', grammar: callAsked(offered) };
  return { calls: offered.length === 0 ? 'none' : 'marked', grammar: formatAsked(format) };
}

const known = new WeakMap<PromptReader, boolean>();

/** A template that does not know tools would drop them without a word. It is rendered with and without one, once. */
function takesTools(reader: PromptReader): boolean {
  const before = known.get(reader);
  if (before !== undefined) return before;
  const messages = [{ role: 'user', content: '?' }];
  const tool = { type: 'function', function: { name: 'probe', description: '', parameters: {} } };
  let taken: boolean;
  try {
    taken = reader.encode({ messages, tools: [tool] }).join() !== reader.encode({ messages }).join();
  } catch {
    // It refuses such a conversation, or the context is too short for it: the request's own errors tell.
    taken = true;
  }
  known.set(reader, taken);
  return taken;
}

function encode(reader: PromptReader, prompt: Prompt, param: string): Int32Array<ArrayBuffer> {
  try {
    return Int32Array.from(reader.encode(prompt));
  } catch (error) {
    const tooLong = isMoeqError(error, 'contextLength');
    throw refusedBy(error, param, tooLong ? 'context_length_exceeded' : undefined);
  }
}
