// Errors that reach no call of the command: of a plugin's timer, or of a promise that nothing awaits.
import { describeThrown } from '@moeq/quantizers';

/** A place in a file, as a line of a stack trace names it. */
const place = /(?:file:\/\/|\/|[A-Za-z]:\\)[^\s()]*:\d+:\d+/;

/**
 * The error as one sentence, with the file that threw it where that is known.
 * @param thrown anything: an Error, or no error at all
 */
export function sentenceOnUncaught(thrown: unknown): string {
  const at = thrown instanceof Error ? place.exec(thrown.stack ?? '')?.[0] : undefined;
  const found = `${describeThrown(thrown)}${at === undefined ? '' : ` at ${at}`}`;
  return `the process was ended: expected no error outside of a call, found ${found}`;
}
