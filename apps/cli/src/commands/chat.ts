// moeq chat: a conversation in the terminal, in the words of the model's chat template. Answers go to stdout, prompts to
// stderr, so that `moeq chat < questions.txt > answers.txt` works too.
import { createInterface } from 'node:readline';
import type { ChatMessage, Model } from '@moeq/runtime';
import { isMoeqError } from '@moeq/tensors';
import { Command } from 'commander';
import { type Io, note, painter, warn, writeNow } from '../io.js';
import { type ContextOption, contextOption, oneText } from '../model-needs.js';
import { type ModelOptions, open, withModelOptions } from '../model-options.js';
import { type SamplingOptions, samplingOf, withSamplingOptions } from '../sampling-options.js';
import { withTemplateVariables } from '../template-variables.js';

interface Options extends ModelOptions, ContextOption, SamplingOptions {
  readonly system?: string;
}

/** Tokens of an answer where the command line does not say. */
const ANSWER_TOKENS = 512;

const help = `
While chatting:
  /reset    forget the conversation
  /exit     leave, as does Ctrl-D
  Ctrl-C    stop the answer that is being written; at the prompt, leave

tiny-moe is no chat model: it has a template, and knows nothing.`;

export function chat(io: Io): Command {
  const command = withModelOptions(
    new Command('chat').summary('talk with a model').description('Talks with a model in the terminal.'),
  );
  return withTemplateVariables(withSamplingOptions(command, ANSWER_TOKENS))
    .addOption(contextOption())
    .option('--system <text>', 'the system message, before the conversation')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      await using opened = await open(io, name, options, { ...oneText(options), prompts: 'messages' });
      await converse(io, opened.model, options);
    });
}

async function converse(io: Io, model: Model, options: Options): Promise<void> {
  const beginning: ChatMessage[] =
    options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  let messages: readonly ChatMessage[] = beginning;
  for await (const { line, signal } of questions(io)) {
    if (line === '/exit') return;
    if (line === '/reset') {
      messages = beginning;
      note(io, 'the conversation is forgotten');
    } else if (line.startsWith('/')) {
      note(io, `no such command: ${line.split(' ', 1)[0]}; there are /reset and /exit`);
    } else if (line !== '') {
      messages = await answer(io, model, [...messages, { role: 'user', content: line }], options, signal);
    }
    if (io.signal.aborted) return;
  }
}

/** A line that was typed, and a signal that Ctrl-C aborts until the next line is asked for. */
interface Question {
  readonly line: string;
  readonly signal: AbortSignal;
}

async function* questions(io: Io): AsyncGenerator<Question> {
  const terminal = io.stdin.isTTY === true && io.stderr.isTTY === true;
  const lines = createInterface({ input: io.stdin, output: io.stderr, terminal });
  let answering: AbortController | null = null;
  let open = true;
  const leave = () => lines.close();
  lines.on('close', () => {
    open = false;
  });
  // In a terminal readline takes Ctrl-C as a key, and the process gets no signal.
  lines.on('SIGINT', () => (answering === null ? leave() : answering.abort()));
  lines.setPrompt(painter(io.stderr)('cyan', '> '));
  io.signal.addEventListener('abort', leave);
  if (terminal) note(io, '/reset forgets, /exit leaves, Ctrl-C stops an answer');
  try {
    if (terminal) lines.prompt();
    for await (const line of lines) {
      answering = new AbortController();
      yield { line: line.trim(), signal: AbortSignal.any([io.signal, answering.signal]) };
      answering = null;
      if (terminal && open) lines.prompt();
    }
  } finally {
    io.signal.removeEventListener('abort', leave);
    leave();
  }
}

/**
 * Streams one answer; what was written before an abort counts as the answer.
 * @returns the conversation with it, or without the question where there is no answer to it
 */
async function answer(
  io: Io,
  model: Model,
  messages: readonly ChatMessage[],
  options: Options,
  signal: AbortSignal,
): Promise<readonly ChatMessage[]> {
  let content = '';
  try {
    for await (const piece of model.generate({ messages }, { ...samplingOf(options), signal })) {
      await writeNow(io.stdout, piece.text);
      content += piece.text;
    }
  } catch (error) {
    // A conversation that has outgrown the context is no end, nor is a device that was lost.
    if (!isMoeqError(error, 'deviceLost', 'contextLength', 'wrongPrompt')) throw error;
    warn(
      io,
      error.code === 'deviceLost'
        ? 'the GPU was lost, and the answer with it; the next question loads the model again'
        : `${error.message}; /reset forgets the conversation`,
    );
    return messages.slice(0, -1);
  }
  io.stdout.write('\n');
  return [...messages, { role: 'assistant', content }];
}
