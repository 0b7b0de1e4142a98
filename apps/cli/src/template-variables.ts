// --template-variable NAME=VALUE: what chat templates take from outside, e.g. whether the model thinks first.
import { exactJson, type ModelSource } from '@moeq/runtime';
import { type Command, InvalidArgumentError } from 'commander';

export type TemplateVariables = Readonly<Record<string, unknown>>;

/** Adds the option above. */
export function withTemplateVariables(command: Command): Command {
  return command.option(
    '--template-variable <name=value>',
    'for the chat template, e.g. enable_thinking=false; JSON, or else text; may be repeated',
    collectVariable,
  );
}

/** One variable more. @throws InvalidArgumentError for what is no NAME=VALUE, or the name of the messages */
export function collectVariable(text: string, earlier: TemplateVariables | undefined): TemplateVariables {
  const [, name, value] = /^([\p{L}_][\p{L}\p{N}_]*)=(.*)$/su.exec(text) ?? [];
  if (name === undefined || value === undefined) throw new InvalidArgumentError('It takes NAME=VALUE.');
  if (name === 'messages') throw new InvalidArgumentError('The messages are those of the conversation.');
  return { ...earlier, [name]: parsedValue(value) };
}

function parsedValue(text: string): unknown {
  try {
    return exactJson(text);
  } catch {
    return text;
  }
}

/** A line about variables that no chat template of the model mentions; null where there are none. */
export function unreadVariables(
  { templateNames }: { templateNames(): ReadonlySet<string> | null },
  variables: TemplateVariables | undefined,
): string | null {
  const names = Object.keys(variables ?? {});
  const mentioned = names.length === 0 ? null : templateNames();
  const unread = mentioned === null ? [] : names.filter((name) => !mentioned.has(name));
  if (unread.length === 0) return null;
  const few = unread.length === 1 ? 'variable' : 'variables';
  return `no chat template of the model reads the ${few} ${unread.join(', ')}`;
}

/** A source whose chats have these variables, unless they come with others of the same names. */
export function givenVariables<Source extends ModelSource>(
  source: Source,
  variables: TemplateVariables | undefined,
): Source {
  const { formatChat } = source;
  if (variables === undefined || formatChat === null) return source;
  return {
    ...source,
    formatChat: (messages, options) =>
      formatChat(messages, { ...options, variables: { ...variables, ...options?.variables } }),
  };
}
