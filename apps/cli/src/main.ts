// The `moeq` command on a Node that can run it: the real streams, Ctrl-C and the exit status around `run`.
import { run } from './run.js';

/** Status of a process that a signal ended: 128 and its number. */
const endings = { SIGINT: 130, SIGTERM: 143 } as const;

const interrupt = new AbortController();
let ending: number = endings.SIGINT;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    ending = endings[signal];
    // The second does not wait for the first to be honoured.
    if (interrupt.signal.aborted) process.exit(ending);
    interrupt.abort();
  });
}
for (const stream of [process.stdout, process.stderr]) {
  // `moeq … | head` closes the pipe early. No output is read after that, so the command ends.
  stream.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

const status = await run(process.argv.slice(2), {
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
  signal: interrupt.signal,
});
process.exitCode = interrupt.signal.aborted && status === endings.SIGINT ? ending : status;
