// The choices of one request, computed in one batch: submitted at once or not at all, read as they are generated or at their end,
// and all cancelled when one fails, the client leaves, or time is out.
import type { EngineGenerateOptions, GeneratedPiece, GenerationResult } from '@moeq/runtime';
import { ApiError, busy, refusedBy } from './api-error.js';
import type { Limits } from './limits.js';
import type { Ready } from './served-model.js';

export interface Wanted {
  readonly tokenIds: Int32Array;
  readonly options: EngineGenerateOptions;
}

/** Called for every piece, in the order of each sequence, which is paused until the call has ended. */
type OnPiece = (piece: GeneratedPiece, index: number) => Promise<void> | void;

type Pieces = AsyncGenerator<GeneratedPiece, void, void>;

/** Why an answer ended before its end. */
type Ending = 'left' | 'timeout' | 'failed';

export class Answer {
  readonly #choices: readonly { readonly pieces: Pieces; readonly first: ReturnType<Pieces['next']> }[];
  readonly #stop = new AbortController();
  readonly #limits: Limits;
  readonly #client: AbortSignal;
  #ending: Ending | null = null;

  /**
   * @param client aborts when the client leaves
   * @param param the field that prompts come from, for errors
   * @throws ApiError 400 for a setting that the model refuses, 429 when the queue is full
   */
  constructor(
    { engine }: Ready,
    wanted: readonly Wanted[],
    limits: Limits,
    client: AbortSignal,
    param: string,
  ) {
    this.#client = client;
    this.#limits = limits;
    const { signal } = this.#stop;
    let choices: Pieces[];
    try {
      choices = wanted.map(({ tokenIds, options }) => engine.generate(tokenIds, { ...options, signal }));
    } catch (error) {
      throw refusedBy(error, param);
    }
    if (!engine.hasRoom(wanted.length)) throw busy(engine.statistics().waiting);
    // Asking for the first piece submits a request: here, where there is room for all of them.
    this.#choices = choices.map((pieces) => ({ pieces, first: pieces.next() }));
    for (const { first } of this.#choices) first.catch(() => undefined);
  }

  /** The client has left: cancels all choices. */
  readonly abort = (): void => this.#end('left');

  /**
   * @returns the results in the order of the choices; null where the client has left
   * @throws ApiError when time is out or the server stops; the error of a choice that fails
   */
  async read(onPiece: OnPiece): Promise<readonly GenerationResult[] | null> {
    // Timer and listener end with the answer: signals of AbortSignal.timeout and .any would stay until time is out.
    const timer = setTimeout(() => this.#end('timeout'), this.#limits.seconds * 1000);
    this.#client.addEventListener('abort', this.abort);
    if (this.#client.aborted) this.abort();
    try {
      const results = await Promise.all(
        this.#choices.map(({ pieces, first }, index) =>
          readChoice(pieces, first, (piece) => onPiece(piece, index)),
        ),
      );
      if (results.every((result) => result !== null)) return results;
      if (this.#ending === 'left') return null;
      throw this.#ending === 'timeout' ? timedOut() : stopped();
    } catch (error) {
      this.#end('failed');
      throw error;
    } finally {
      clearTimeout(timer);
      this.#client.removeEventListener('abort', this.abort);
    }
  }

  #end(ending: Ending): void {
    this.#ending ??= ending;
    this.#stop.abort();
  }
}

/** @returns the result; null for a choice that was cancelled */
async function readChoice(
  pieces: Pieces,
  first: ReturnType<Pieces['next']>,
  onPiece: (piece: GeneratedPiece) => Promise<void> | void,
): Promise<GenerationResult | null> {
  try {
    for (let next = await first; next.done !== true; next = await pieces.next()) {
      const { result } = next.value;
      if (result?.finishReason === 'aborted') return null;
      await onPiece(next.value);
      if (result !== null) return result;
    }
    return null;
  } finally {
    await pieces.return();
  }
}

/** `x-should-retry: false`: another try would take as long. */
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
