// moeq chat: a conversation in the terminal, in the words of the model's chat template. Answers go to stdout, prompts to
// stderr, so that `moeq chat < questions.txt > answers.txt` works too.
import { createInterface } from 'node:readline/promises';
import type { ChatMessage, Model } from '@moeq/runtime';
import { Command } from 'commander';
import { type Io, note, painter } from '../io.js';
import { type ModelOptions, open, withModelOptions } from '../model-options.js';
import { type SamplingOptions, samplingOf, withSamplingOptions } from '../sampling-options.js';

interface Options extends ModelOptions, SamplingOptions {
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
  return withSamplingOptions(command, ANSWER_TOKENS)
    .option('--system <text>', 'what the model is told before the conversation')
    .addHelpText('after', help)
    .action(async (name: string, options: Options) => {
      await using opened = await open(io, name, options);
      await converse(io, opened.model, options);
    });
}

async function converse(io: Io, model: Model, options: Options): Promise<void> {
  const beginning: ChatMessage[] =
    options.system === undefined ? [] : [{ role: 'system', content: options.system }];
  let messages = [...beginning];
  let answering: AbortController | null = null;

  const terminal = io.stdin.isTTY === true && io.stderr.isTTY === true;
  const lines = createInterface({ input: io.stdin, output: io.stderr, terminal });
  const leave = () => lines.close();
  io.signal.addEventListener('abort', leave);
  // In a terminal readline takes Ctrl-C as a key and the process gets no signal.
  lines.on('SIGINT', () => (answering === null ? leave() : answering.abort()));
  lines.setPrompt(terminal ? painter(io.stderr)('cyan', '> ') : '');
  if (terminal) note(io, '/reset forgets, /exit leaves, Ctrl-C stops an answer');
  try {
    lines.prompt();
    for await (const line of lines) {
      const content = line.trim();
      if (content === '/exit') break;
      if (content === '/reset') {
        messages = [...beginning];
        note(io, 'the conversation is forgotten');
      } else if (content.startsWith('/'))
        note(io, `no such command: ${content.split(' ', 1)[0]}; there are /reset and /exit`);
      else if (content !== '') {
        messages.push({ role: 'user', content });
        answering = new AbortController();
        const signal = AbortSignal.any([io.signal, answering.signal]);
        messages.push({ role: 'assistant', content: await answer(io, model, messages, options, signal) });
        answering = null;
        if (io.signal.aborted) break;
      }
      lines.prompt();
    }
  } finally {
    io.signal.removeEventListener('abort', leave);
    lines.close();
  }
}

/** Streams one answer; what was written before an abort counts as the answer. */
async function answer(
  io: Io,
  model: Model,
  messages: readonly ChatMessage[],
  options: Options,
  signal: AbortSignal,
): Promise<string> {
  let text = '';
  for await (const piece of model.generate(
    { messages },
    {
      ...samplingOf(options),
      signal,
    },
  )) {
    io.stdout.write(piece.text);
    text += piece.text;
  }
  io.stdout.write('\n');
  return text;
}
