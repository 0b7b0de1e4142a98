// The `moeq` command on a Node that can run it: the real streams, Ctrl-C and the exit status around `run`.
import { writeSync } from 'node:fs';
import { run } from './run.js';
import { sentenceOnUncaught } from './uncaught.js';

/** Status of a process that a signal ended: 128 and its number. */
const endings = { SIGINT: 130, SIGTERM: 143 } as const;

let isDone = false;
function exit(status: number): never {
  isDone = true;
  process.exit(status);
}

// Code of a plugin can end the process; work that is not done must not look as if it were.
process.on('exit', (status) => {
  if (isDone) return;
  process.exitCode = status === 0 ? 1 : status;
  writeSync(
    process.stderr.fd,
    'moeq: the process was ended before the work was done: expected a plugin that never calls process.exit(), or any other code that lets the command end\n',
  );
});

process.on('uncaughtException', (error) => {
  writeSync(process.stderr.fd, `moeq: ${sentenceOnUncaught(error)}\n`);
  if (process.argv.includes('--debug')) writeSync(process.stderr.fd, `${error.stack ?? ''}\n`);
  exit(1);
});

const interrupt = new AbortController();
let ending: number = endings.SIGINT;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    ending = endings[signal];
    // The second does not wait for the first to be honoured.
    if (interrupt.signal.aborted) exit(ending);
    interrupt.abort();
  });
}
for (const stream of [process.stdout, process.stderr]) {
  // `moeq … | head` closes the pipe early. No output is read after that, so the command ends.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') exit(0);
    if (stream === process.stdout) {
      const found = error.code ?? error.message;
      writeSync(
        process.stderr.fd,
        `moeq: standard output: cannot write: expected room for it, found ${found}\n`,
      );
    }
    exit(1);
  });
}

const status = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
isDone = true;
process.exitCode = interrupt.signal.aborted && status === endings.SIGINT ? ending : status;
