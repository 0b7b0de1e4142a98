// What a command may touch of the world outside: three streams and one signal. The real ones come from bin.ts, tests
// bring their own, so every command runs in-process and nothing below this file knows `process`.
import type { Readable, Writable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { styleText } from 'node:util';

export interface Output extends Writable {
  readonly isTTY?: boolean;
  /** Characters a line; absent where the stream is no terminal. */
  readonly columns?: number;
}

export interface Io {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  /** Results, and nothing else. */
  readonly stdout: Output;
  /** Progress, notes, warnings and errors. */
  readonly stderr: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
}

type Style = Parameters<typeof styleText>[0];

/** Colours for one stream; plain text where it is no terminal or NO_COLOR is set. */
export function painter(stream: Output): (style: Style, text: string) => string {
  return (style, text) => styleText(style, text, { stream, validateStream: true });
}

/** Characters that a table may be wide: the terminal's, at most 120; 100 where there is none. */
export function widthOf(stream: Output): number {
  return Math.min(stream.columns ?? 100, 120);
}

/**
 * The one JSON document of a command run with --json; lists of numbers on one line. JSON has no number for NaN and infinity,
 * which come as the texts "NaN", "Infinity" and "-Infinity".
 */
export function printJson(io: Io, document: unknown): void {
  // A line feed is never inside a string of JSON, so this touches none.
  const replacer = (_key: string, value: unknown) =>
    typeof value === 'number' && !Number.isFinite(value) ? String(value) : value;
  const text = JSON.stringify(document, replacer, 2).replace(/\[\n[-+.,\deE\s]*\]/g, (list) =>
    list.replace(/\s+/g, ' '),
  );
  io.stdout.write(`${text}\n`);
}

/** A line for people on stderr, dimmed. */
export function note(io: Io, text: string): void {
  io.stderr.write(`${painter(io.stderr)('dim', text)}\n`);
}

/** A warning on stderr: one line, never lost among the progress. */
export function warn(io: Io, text: string): void {
  io.stderr.write(`${painter(io.stderr)('yellow', 'warning:')} ${text}\n`);
}

/** All control characters but tab and line feed. */
const controls = /[^\P{Cc}\t\n]/gu;

/**
 * Writes a piece of a text and yields to the event loop: a backend that computes in this thread leaves no other
 * moment for Ctrl-C, for a reader that has gone, or for the bar. A terminal gets U+FFFD for control characters, for a model
 * may write sequences that move the cursor or worse; a file gets the very text.
 */
export async function writeNow(stream: Output, text: string): Promise<void> {
  if (text !== '') stream.write(stream.isTTY === true ? text.replace(controls, '\uFFFD') : text);
  await setImmediate();
}

/** The most memory that this process has held so far, in bytes. */
export function peakRssBytes(): number {
  return process.resourceUsage().maxRSS * 1024;
}
