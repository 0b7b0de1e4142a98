// One call of the command: arguments in, exit status out. Statuses: 0 done, 1 the work failed, 2 the command line is
// wrong, 130 interrupted. An error is one sentence on stderr; its stack trace only under --debug.
import { MoeqError } from '@moeq/tensors';
import { Command, CommanderError } from 'commander';
import manifest from '../package.json' with { type: 'json' };
import { inWordsOfTheCommand } from './advice.js';
import { type Io, painter, widthOf } from './io.js';

/** A command is loaded where it is named: the server, plots and kernels of the others would only hold it up. */
const commands: Readonly<Record<string, () => Promise<(io: Io) => Command>>> = {
  quantize: async () => (await import('./commands/quantize.js')).quantize,
  merge: async () => (await import('./commands/merge.js')).merge,
  inspect: async () => (await import('./commands/inspect.js')).inspect,
  generate: async () => (await import('./commands/generate.js')).generate,
  chat: async () => (await import('./commands/chat.js')).chat,
  serve: async () => (await import('./commands/serve.js')).serve,
  eval: async () => (await import('./commands/eval.js')).evaluateCommand,
  bench: async () => (await import('./commands/bench.js')).bench,
  logits: async () => (await import('./commands/logits.js')).logits,
};

const versionFlags = ['-V', '--version'];

/** The command that is named, none for the version; all of them for help, and to say what there is. */
function commandsFor(first = ''): Promise<((io: Io) => Command)[]> {
  const named = Object.hasOwn(commands, first) ? commands[first] : undefined;
  const loads = named !== undefined ? [named] : versionFlags.includes(first) ? [] : Object.values(commands);
  return Promise.all(loads.map((load) => load()));
}

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
    .version(manifest.version, versionFlags.join(', '), 'print the version')
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
  for (const command of await commandsFor(argv[0])) {
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
