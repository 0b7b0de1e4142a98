// What counts as a find. A parser may accept an input or refuse it with a MoeqError of one line; it must do so within a
// second of the processor, without taking memory out of proportion, and without printing.
import { MoeqError } from '@moeq/tensors';
import type { Parser } from './parser.ts';

type Kind = 'crash' | 'sentence' | 'noise' | 'slow' | 'endless' | 'memory';

export interface Verdict {
  readonly kind: Kind;
  readonly message: string;
}

/** For inputs of at most 64 KiB; of the processor, so that other programs do not count. */
const slowMilliseconds = 1000;
const muchBytes = 512 * 2 ** 20;
/** Three quotations of at most 120 characters and the names of two tensors fit in it. */
const longMessage = 1500;

const sentence = /^\S.*: cannot .+: expected .+, found .+$/;

/** Reads an input and judges how that went; null where there is nothing to say. */
export async function judge(read: Parser['read'], input: Uint8Array): Promise<Verdict | null> {
  const printed: string[] = [];
  const restore = interceptConsole((text) => printed.push(text));
  const held = process.memoryUsage().arrayBuffers;
  const started = process.threadCpuUsage();
  let verdict: Verdict | null = null;
  try {
    await read(input);
  } catch (error) {
    verdict = judgeError(error);
  } finally {
    restore();
  }
  const { user, system } = process.threadCpuUsage(started);
  const bytes = process.memoryUsage().arrayBuffers - held;
  if (verdict !== null) return verdict;
  if (printed.length > 0) return { kind: 'noise', message: printed.join('\n').slice(0, 300) };
  if (bytes > muchBytes) return { kind: 'memory', message: `more than ${muchBytes / 2 ** 20} MiB` };
  if ((user + system) / 1000 > slowMilliseconds)
    return { kind: 'slow', message: `more than ${slowMilliseconds} ms` };
  return null;
}

/** @returns what undoes it */
function interceptConsole(onText: (text: string) => void): () => void {
  const originals = { ...console };
  for (const method of ['log', 'info', 'warn', 'error', 'debug'] as const) {
    console[method] = (...values: unknown[]) => onText(values.map(String).join(' '));
  }
  return () => Object.assign(console, originals);
}

function judgeError(error: unknown): Verdict | null {
  if (!MoeqError.isInstance(error)) {
    const { stack = String(error) } = error instanceof Error ? error : {};
    return { kind: 'crash', message: stack.split('\n').slice(0, 4).join('\n') };
  }
  const { message } = error;
  const good = sentence.test(message) && message.length <= longMessage;
  return good ? null : { kind: 'sentence', message: message.slice(0, 300) };
}
