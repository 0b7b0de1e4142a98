// moeq chat: a conversation in the terminal, in the words of the model's chat template. Answers go to stdout, prompts to
// stderr, so that `moeq chat < questions.txt > answers.txt` works too.
import { createInterface } from 'node:readline';
import type { ChatMessage, Model } from '@moeq/runtime';
import { counted, isMoeqError, MoeqError } from '@moeq/tensors';
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
const answerTokens = 512;

const help = `
While chatting:
  /reset    forget the conversation
  /exit     leave, as does Ctrl-D
  Ctrl-C    stop the answer that is being written; at the prompt, leave

From a pipe every line is a question, and an empty line stands between two answers; the exit status
is 1 where a question has no answer:
  moeq chat ./mixtral-nf4 < questions.txt > answers.txt

tiny-moe is no chat model: it has a template, and knows nothing.`;

export function chat(io: Io): Command {
  const command = withModelOptions(
    new Command('chat').summary('talk with a model').description('Talks with a model in the terminal.'),
  );
  return withTemplateVariables(withSamplingOptions(command, answerTokens))
    .addOption(contextOption())
    .option('--system <text>', 'the system message, before the conversation')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      await using opened = await open(io, name, options, { ...oneText(options), prompts: 'messages' });
      await converse(io, opened.model, options);
    });
}

/** Whether a person types the questions. */
const isTerminal = ({ stdin, stderr }: Io): boolean => stdin.isTTY === true && stderr.isTTY === true;

/** @throws MoeqError at the end where questions from a pipe have no answer */
async function converse(io: Io, model: Model, options: Options): Promise<void> {
  // In a terminal the next prompt stands between two answers.
  const separator = isTerminal(io) && io.stdout.isTTY === true ? '' : '\n';
  let answers = 0;
  let unanswered = 0;
  const beginning: ChatMessage[] =
    options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  let messages: readonly ChatMessage[] = beginning;
  for await (const { line, signal } of questions(io)) {
    if (line === '/exit') break;
    if (line === '/reset') {
      messages = beginning;
      note(io, 'the conversation is forgotten');
    } else if (line.startsWith('/')) {
      unanswered++;
      note(io, `no such command: ${line.split(' ', 1)[0]}; there are /reset and /exit`);
    } else if (line !== '') {
      const asked = [...messages, { role: 'user', content: line }];
      const before = answers === 0 ? '' : separator;
      const content = await answer(io, model, asked, { ...options, before, signal });
      if (content === null) unanswered++;
      else {
        answers++;
        messages = [...asked, { role: 'assistant', content }];
      }
    }
    if (io.signal.aborted) return;
  }
  if (unanswered === 0 || isTerminal(io)) return;
  throw new MoeqError({
    operation: 'chat',
    subject: 'standard input',
    expected: 'an answer to every question',
    found: `${counted(unanswered, 'question')} without one`,
  });
}

/** A line that was typed, and a signal that Ctrl-C aborts until the next line is asked for. */
interface Question {
  readonly line: string;
  readonly signal: AbortSignal;
}

async function* questions(io: Io): AsyncGenerator<Question> {
  const terminal = isTerminal(io);
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

interface Answering extends Options {
  /** Written before the answer. */
  readonly before: string;
  readonly signal: AbortSignal;
}

/**
 * Streams one answer; what was written before an abort counts as the answer.
 * @returns null where there is no answer to the question
 */
async function answer(
  io: Io,
  model: Model,
  messages: readonly ChatMessage[],
  { before, signal, ...options }: Answering,
): Promise<string | null> {
  let content = '';
  let start = before;
  try {
    for await (const piece of model.generate({ messages }, { ...samplingOf(options), signal })) {
      await writeNow(io.stdout, start + piece.text);
      start = '';
      content += piece.text;
    }
  } catch (error) {
    // A conversation that has outgrown the context is no end, nor is a device that was lost.
    if (!isMoeqError(error, 'deviceLost', 'contextLength', 'wrongPrompt')) throw error;
    if (content !== '') io.stdout.write('\n');
    warn(
      io,
      error.code === 'deviceLost'
        ? 'the GPU was lost, and the answer with it; the next question loads the model again'
        : `${error.message}; /reset forgets the conversation`,
    );
    return null;
  }
  io.stdout.write('\n');
  return content;
}
