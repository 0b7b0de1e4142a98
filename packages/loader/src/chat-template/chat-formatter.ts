// From messages to a prompt: the checkpoint's Jinja template, with the globals that transformers gives to it
// (utils/chat_template_utils.py), run within limits.
import type { ChatMessage, ChatOptions } from '@moeq/runtime';
import { MoeqError, quote } from '@moeq/tensors';
import { Environment, parse, tokenize } from '../huggingface.js';
import { formatTime } from './format-time.js';
import { LimitedInterpreter, limitedRange, MAX_TEMPLATE_LENGTH, TemplateLimit } from './limits.js';

/** Raised by a template itself, through raise_exception. */
class TemplateRefusal extends Error {}

export type ChatFormatter = (messages: readonly ChatMessage[], options?: ChatOptions) => string;

/**
 * @param template Jinja
 * @param specialTokens by the names under which templates know them, e.g. bos_token
 * @param file for messages
 * @returns a function that renders messages and the beginning of the reply; it throws a MoeqError when the template is too
 *   long or malformed, fails, or passes a limit
 */
export function chatFormatter(
  template: string,
  specialTokens: Readonly<Record<string, string>>,
  file: string,
): ChatFormatter {
  let parsed: ReturnType<typeof parse> | undefined;
  return (messages, { tools, documents, variables } = {}) => {
    const environment = new Environment();
    const globals: Readonly<Record<string, unknown>> = {
      ...constants,
      range: limitedRange,
      strftime_now: (format: string) => formatTime(new Date(), format),
      raise_exception: (message: unknown) => {
        throw new TemplateRefusal(String(message));
      },
      ...specialTokens,
      // JSON and nothing else: no functions, no prototypes, no undefined.
      messages: JSON.parse(JSON.stringify(messages)) as unknown,
      add_generation_prompt: true,
      tools: tools === undefined ? null : (JSON.parse(JSON.stringify(tools)) as unknown),
      documents: documents === undefined ? null : (JSON.parse(JSON.stringify(documents)) as unknown),
      ...variables,
    };
    parsed ??= read(template, file);
    const program = parsed;
    return attempt('run', file, () => {
      for (const [name, value] of Object.entries(globals)) environment.set(name, value);
      return String(new LimitedInterpreter(environment).run(program).value);
    });
  };
}

function read(template: string, file: string): ReturnType<typeof parse> {
  if (template.length > MAX_TEMPLATE_LENGTH) {
    throw templateError('read', file, `at most ${MAX_TEMPLATE_LENGTH} characters`, String(template.length));
  }
  return attempt('read', file, () => parse(tokenize(template, { lstrip_blocks: true, trim_blocks: true })));
}

/** Jinja's constants, and the spellings of Python that it takes too. */
const constants = { true: true, false: false, none: null, True: true, False: false, None: null };

function attempt<Result>(operation: 'read' | 'run', file: string, action: () => Result): Result {
  try {
    return action();
  } catch (cause) {
    if (cause instanceof TemplateLimit) throw templateError(operation, file, cause.message, 'more', cause);
    if (cause instanceof TemplateRefusal) {
      throw templateError(
        operation,
        file,
        'messages that the template takes',
        `its refusal ${quote(cause.message, 200)}`,
      );
    }
    // A RangeError is the stack's end or a string beyond what the engine holds.
    const found = cause instanceof RangeError ? 'endless recursion or growth' : quote(String(cause), 200);
    throw templateError(operation, file, 'a Jinja template that ends without an error', found, cause);
  }
}

function templateError(
  verb: string,
  subject: string,
  expected: string,
  found: string,
  cause?: unknown,
): MoeqError {
  return new MoeqError({ operation: `${verb} the chat template`, subject, expected, found, cause });
}
