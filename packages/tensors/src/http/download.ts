// Bytes of a file into memory, piece by piece as they arrive. What is cut is asked for again from where it ended.
import type { HttpProgress } from './options.js';
import { ask, failure, isTransient, type RangeRequest, type RangeResponse } from './request.js';

/** Before the second attempt, in milliseconds; doubled before every further one. */
const firstPause = 250;

/** Counts what arrives of one file. */
export class ProgressCounter {
  readonly #name: string;
  readonly #report: (progress: HttpProgress) => void;
  #received = 0;
  size: number | null = null;

  constructor(name: string, report: (progress: HttpProgress) => void) {
    this.#name = name;
    this.#report = report;
  }

  add(bytes: number): void {
    this.#received += bytes;
    this.#report({ name: this.#name, received: this.#received, size: this.size });
  }
}

/**
 * Runs `attempt` until it succeeds, with pauses in between, as often as the settings say.
 * @throws what the last attempt threw; at once where asking again cannot help
 */
export async function withRetries<T>(
  { settings, signal }: RangeRequest,
  attempt: () => Promise<T>,
): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await attempt();
    } catch (error) {
      if (failures >= settings.retries || !isTransient(error)) throw error;
      await pause(firstPause * 2 ** failures, signal);
    }
  }
}

/**
 * Exactly the bytes of the request.
 * @param begun an answer to it, whose body is read first
 */
export async function downloadPart(
  request: RangeRequest,
  progress: ProgressCounter,
  begun?: RangeResponse,
): Promise<Uint8Array> {
  const { offset, length } = request;
  const bytes = new Uint8Array(length);
  let done = 0;
  let next = begun;
  await withRetries(request, async () => {
    const rest = { ...request, offset: offset + done, length: length - done };
    if (rest.length === 0) return;
    const answer = next ?? (await ask(rest));
    next = undefined;
    if (answer.kind === 'whole') {
      void answer.body?.cancel().catch(() => {});
      throw failure('protocol', rest, { expected: 'a part of the file', found: 'the whole of it' });
    }
    await eachPiece(answer, rest, (piece) => {
      if (done + piece.length > length) {
        throw failure('protocol', rest, { expected: `${rest.length} bytes`, found: 'more' });
      }
      bytes.set(piece, done);
      done += piece.length;
      progress.add(piece.length);
    });
    if (done < length) {
      throw failure('cut', request, { expected: `${length} bytes`, found: `their end after ${done}` });
    }
  });
  return bytes;
}

/** All that an answer brings, from a server that knows no ranges; browsers keep large Blobs on disk. */
export async function downloadWhole(
  answer: RangeResponse,
  request: RangeRequest,
  progress: ProgressCounter,
): Promise<Blob> {
  const pieces: Uint8Array<ArrayBuffer>[] = [];
  await eachPiece(answer, request, (piece) => {
    pieces.push(piece);
    progress.add(piece.length);
  });
  return new Blob(pieces);
}

async function eachPiece(
  { body }: RangeResponse,
  request: RangeRequest,
  take: (piece: Uint8Array<ArrayBuffer>) => void,
): Promise<void> {
  const reader = (body as ReadableStream<Uint8Array<ArrayBuffer>> | null)?.getReader();
  try {
    for (;;) {
      const piece = await reader?.read().catch((cause: unknown) => {
        request.signal.throwIfAborted();
        const found = `a connection that broke (${cause instanceof Error ? cause.message : String(cause)})`;
        throw failure('cut', request, { expected: `${request.length} bytes`, found, cause });
      });
      if (piece === undefined || piece.done) return;
      take(piece.value);
    }
  } finally {
    void reader?.cancel().catch(() => {});
  }
}

function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const end = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      if (signal.aborted) reject(signal.reason as Error);
      else resolve();
    };
    const timer = setTimeout(end, milliseconds);
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
  });
}
