// From messages to a prompt: the checkpoint's Jinja template, with the variables that transformers gives to it
// (utils/chat_template_utils.py), run within limits.
import type { ChatMessage, ChatOptions } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import { Given } from '../jinja/arguments.js';
import { type Budget, TemplateLimit } from '../jinja/budget.js';
import { TemplateFault, TemplateRefusal, TemplateUnsupported } from '../jinja/errors.js';
import { fromJson } from '../jinja/from-json.js';
import { Func, type Value } from '../jinja/python/values.js';
import { namesIn } from '../jinja/syntax/mentions.js';
import { Template } from '../jinja/template.js';
import { formatTime } from './format-time.js';
import { messageOf } from './message.js';
import { iteratesContent } from './parts.js';

export type ChatFormatter = (messages: readonly ChatMessage[], options?: ChatOptions) => string;

/**
 * @param text Jinja
 * @param specialTokens by the names under which templates know them, e.g. bos_token
 * @param file for messages
 * @returns a function that renders messages and the beginning of the reply; it throws a MoeqError when the template is too
 *   long or malformed, has a part of the language that is not here, fails, or passes a limit
 */
export function chatFormatter(
  text: string,
  specialTokens: Readonly<Record<string, string>>,
  file: string,
): ChatFormatter {
  let parsed: { readonly template: Template; readonly takesParts: boolean } | undefined;
  return (messages, options = {}) => {
    parsed ??= attempt('read', file, () => {
      const template = new Template(text);
      return { template, takesParts: iteratesContent(template.body) };
    });
    const { template, takesParts } = parsed;
    const { messages: reserved } = options.variables ?? {};
    if (reserved !== undefined)
      throw templateError('run', file, 'variables of other names', 'one called messages');
    return attempt('run', file, () =>
      template.render((budget) => [
        ...Object.entries(variablesOf(specialTokens, options, budget)),
        ['messages', messages.map((message) => messageOf(message, takesParts, budget))],
      ]),
    );
  };
}

/** The names that templates mention; null where one of them cannot be read. @param texts Jinja */
export function templateNames(texts: readonly string[]): ReadonlySet<string> | null {
  try {
    return namesIn(texts.map((text) => attempt('read', 'template', () => new Template(text).body)));
  } catch (error) {
    if (MoeqError.isInstance(error)) return null;
    throw error;
  }
}

/** All but the messages: what comes later goes before what comes earlier. */
function variablesOf(
  specialTokens: Readonly<Record<string, string>>,
  { tools, documents, variables = {} }: ChatOptions,
  budget: Budget,
): Readonly<Record<string, Value>> {
  const given = Object.entries(variables).map(([name, value]) => [name, fromJson(value, budget)] as const);
  return {
    strftime_now: new Func('strftime_now', (args, keywords) => {
      const text = formatTime(
        new Date(),
        new Given('strftime_now', ['format'], args, keywords).text('format'),
      );
      budget.characters(text.length);
      return text;
    }),
    ...specialTokens,
    add_generation_prompt: true,
    tools: fromJson(tools, budget),
    documents: fromJson(documents, budget),
    ...Object.fromEntries(given),
  };
}

function attempt<Result>(operation: 'read' | 'run', file: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    if (MoeqError.isInstance(cause)) throw cause;
    if (cause instanceof TemplateLimit) throw templateError(operation, file, cause.message, 'more', cause);
    if (cause instanceof TemplateUnsupported)
      throw templateError(operation, file, 'parts of Jinja that are known here', cause.message, cause);
    if (cause instanceof TemplateRefusal) {
      const found = `its refusal ${quote(cause.message, 200)}`;
      throw templateError(operation, file, 'messages that the template takes', found);
    }
    if (!(cause instanceof TemplateFault || cause instanceof RangeError)) throw cause;
    // A RangeError is the stack's end or a string beyond what the engine holds.
    const found = cause instanceof TemplateFault ? quote(cause.message, 200) : 'endless recursion or growth';
    throw templateError(operation, file, 'a Jinja template that ends without an error', found, cause);
  }
}

function templateError(
  verb: 'read' | 'run',
  subject: string,
  expected: string,
  found: string,
  cause?: unknown,
): MoeqError {
  const code = verb === 'run' ? 'templateFailed' : undefined;
  return new MoeqError({ code, operation: `${verb} the chat template`, subject, expected, found, cause });
}
