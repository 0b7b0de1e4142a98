// Runs the command in-process: streams that remember what was written, and a signal of one's own.
import { Readable, Writable } from 'node:stream';
import type { Io, Output } from '../io.js';
import { run } from '../run.js';

export class Recorder extends Writable implements Output {
  text = '';
  readonly isTTY: boolean;
  readonly columns: number;

  constructor({ isTTY = false, columns = 100 } = {}) {
    super({ decodeStrings: false });
    this.isTTY = isTTY;
    this.columns = columns;
  }

  override _write(chunk: string | Uint8Array, _encoding: BufferEncoding, done: () => void): void {
    this.text += typeof chunk === 'string' ? chunk : new TextDecoder().decode(chunk);
    done();
  }
}

export interface Outcome {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `moeq ...argv` and answers with its exit status and what it wrote. */
export async function moeq(
  argv: readonly string[],
  { stdin = '', signal = new AbortController().signal }: { stdin?: string; signal?: AbortSignal } = {},
): Promise<Outcome> {
  const stdout = new Recorder();
  const stderr = new Recorder();
  const io: Io = { stdin: Readable.from([stdin]), stdout, stderr, signal };
  const status = await run(argv, io);
  return { status, stdout: stdout.text, stderr: stderr.text };
}
