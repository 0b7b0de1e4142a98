// The texts of one request, computed together: submitted at once or not at all, read as they come or to their end, and
// all given up when one fails, the client leaves, or time is out.
import type { EngineGenerateOptions, GeneratedPiece, GenerationResult, Prompt } from '@moeq/runtime';
import { ApiError, toApiError } from './api-error.js';
import type { Limits } from './limits.js';
import type { Ready } from './served-model.js';

export interface Wanted {
  readonly prompt: Prompt;
  readonly options: EngineGenerateOptions;
}

/** Hears of every piece, in the order of each text; the text pauses until it is done. */
type OnPiece = (piece: GeneratedPiece, index: number) => Promise<void> | void;

export class Answer {
  readonly #texts: AsyncGenerator<GeneratedPiece, void, void>[];
  readonly #stop = new AbortController();
  readonly #timeout: AbortSignal;
  readonly #client: AbortSignal;

  /**
   * @param client aborts when the client leaves
   * @param param the field that prompts come from, for errors
   * @throws ApiError 400 for a prompt that is too long, 429 when the queue is full
   */
  constructor(
    { engine }: Ready,
    wanted: readonly Wanted[],
    limits: Limits,
    client: AbortSignal,
    param: string,
  ) {
    this.#client = client;
    this.#timeout = AbortSignal.timeout(limits.seconds * 1000);
    const signal = AbortSignal.any([this.#stop.signal, this.#timeout, client]);
    try {
      this.#texts = wanted.map(({ prompt, options }) => engine.generate(prompt, { ...options, signal }));
    } catch (error) {
      throw tooLong(error, param) ?? toApiError(error, param);
    }
    if (!engine.hasRoom(wanted.length)) throw busy(engine.statistics().waiting);
  }

  /** Gives all texts up. */
  readonly abort = (): void => this.#stop.abort();

  /**
   * @returns the results in the order of the texts; null where the client has left
   * @throws ApiError when a text fails, or time is out
   */
  async read(onPiece: OnPiece): Promise<readonly GenerationResult[] | null> {
    try {
      const results = await Promise.all(
        this.#texts.map(async (text, index) => {
          let result: GenerationResult | null = null;
          for await (const piece of text) {
            if (piece.result?.finishReason === 'aborted') break;
            await onPiece(piece, index);
            result = piece.result;
          }
          return result;
        }),
      );
      if (results.every((result) => result !== null)) return results;
      if (this.#client.aborted || this.#stop.signal.aborted) return null;
      throw this.#timeout.aborted ? timedOut() : stopped();
    } catch (error) {
      this.abort();
      throw toApiError(error);
    }
  }
}

function busy(waiting: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Too many requests: ${waiting} texts are waiting. Try again in a moment.`,
    code: 'queue_full',
    headers: { 'Retry-After': '2' },
  });
}

/** Clients are told not to ask again: it would take as long once more. */
function timedOut(): ApiError {
  return new ApiError({
    status: 504,
    message: 'The answer took longer than the server allows.',
    code: 'timeout',
    headers: { 'x-should-retry': 'false' },
  });
}

function stopped(): ApiError {
  return new ApiError({
    status: 503,
    message: 'The server stopped before the answer was complete.',
    code: 'stopping',
    headers: { 'Retry-After': '5' },
  });
}

function tooLong(error: unknown, param: string): ApiError | null {
  const message = error instanceof Error ? error.message : '';
  if (!message.includes('by the context length')) return null;
  return new ApiError({ status: 400, message, param, code: 'context_length_exceeded' });
}
