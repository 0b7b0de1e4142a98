// One call of the command: arguments in, exit status out. Statuses: 0 done, 1 the work failed, 2 the command line is
// wrong, 130 interrupted. An error is one sentence on stderr; its stack trace only under --debug.
import { MoeqError } from '@moeq/tensors';
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { inWordsOfTheCommand } from './advice.js';
import { bench } from './commands/bench.js';
import { chat } from './commands/chat.js';
import { evaluateCommand } from './commands/eval.js';
import { generate } from './commands/generate.js';
import { inspect } from './commands/inspect.js';
import { logits } from './commands/logits.js';
import { merge } from './commands/merge.js';
import { quantize } from './commands/quantize.js';
import { serve } from './commands/serve.js';
import { type Io, painter, widthOf } from './io.js';

const examples = `
Examples:
  moeq generate                                   a text from tiny-moe, the model that comes with the command
  moeq quantize ./Mixtral-8x7B --out ./mixtral-nf4
  moeq inspect ./mixtral-nf4
  moeq generate ./mixtral-nf4 -p "The sea" -n 100

MODEL is a folder as transformers saves it, a .gguf file, the URL of either, hf:org/name on the
Hugging Face hub (HF_TOKEN opens what is gated), or tiny-moe (the default).`;

/**
 * Runs one command line.
 * @param argv the arguments after `moeq`
 * @returns the exit status; it never throws
 */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  const program = new Command('moeq')
    .description('Shrinks Mixture-of-Experts language models and runs them.')
    .version(manifest.version, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', examples)
    .configureHelp({ showGlobalOptions: false })
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => widthOf(io.stdout),
      getErrHelpWidth: () => widthOf(io.stderr),
      getOutHasColors: () => io.stdout.isTTY === true,
      getErrHasColors: () => io.stderr.isTTY === true,
      outputError: (text, write) => write(`moeq: ${text.replace(/^error: /, '')}`),
    });
  for (const command of [quantize, merge, inspect, generate, chat, serve, evaluateCommand, bench, logits]) {
    const sub = command(io).copyInheritedSettings(program).helpOption('-h, --help', 'print this help');
    program.addCommand(sub.option('--debug', 'print the stack trace of an error'));
  }
  if (argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return io.signal.aborted ? 130 : 0;
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (io.signal.aborted) return 130;
    report(error, argv.includes('--debug'), io);
    return 1;
  }
}

function report(error: unknown, debug: boolean, io: Io): void {
  io.stderr.write(`${painter(io.stderr)('red', 'moeq:')} ${sentenceOn(error, debug)}\n`);
  if (debug && error instanceof Error) io.stderr.write(`${error.stack ?? ''}\n`);
}

function sentenceOn(error: unknown, debug: boolean): string {
  if (MoeqError.isInstance(error)) return inWordsOfTheCommand(error);
  const message = error instanceof Error ? error.message : String(error);
  return debug ? message : `${message} (a fault of moeq itself; --debug prints where)`;
}
