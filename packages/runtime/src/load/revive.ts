// A model whose backend has lost it, with a GPU's device, is loaded again before its next step: the same weights from the
// same source, an empty KV cache of the same size. The texts of the failed step have ended with its error; all others are
// fed again from their beginning.
import { MoeqError } from '@moeq/tensors';
import { type Executor, isLost } from '../engine/run-batch.js';

/** What is loaded into a backend, and again after a loss. */
export interface LoadedState extends Pick<Executor, 'decoder' | 'cache' | 'losses'> {
  /** Bytes in the backend's memory. */
  readonly weightBytes: number;
  /** Frees weights and KV cache. */
  release(): void;
}

/** An executor over whatever is loaded at the moment. */
export class RevivableExecutor implements Executor {
  readonly backend: Executor['backend'];
  closed = false;
  readonly #load: () => Promise<LoadedState>;
  readonly #onLoss: () => void;
  readonly #name: string;
  #state: LoadedState;
  #reviving: Promise<void> | null = null;

  /**
   * @param load loads weights and cache into the backend, from a source that may be closed by now
   * @param onLoss the cache is empty from now on
   */
  constructor(
    name: string,
    backend: Executor['backend'],
    state: LoadedState,
    load: () => Promise<LoadedState>,
    onLoss: () => void,
  ) {
    this.backend = backend;
    this.#name = name;
    this.#state = state;
    this.#load = load;
    this.#onLoss = onLoss;
  }

  get decoder(): Executor['decoder'] {
    return this.#state.decoder;
  }

  get cache(): Executor['cache'] {
    return this.#state.cache;
  }

  get losses(): number {
    return this.#state.losses;
  }

  get weightBytes(): number {
    return this.#state.weightBytes;
  }

  /** Frees weights and cache, unless they are lost anyway. */
  release(): void {
    if (!isLost(this)) this.#state.release();
  }

  /**
   * Loads the model again if its backend has lost it; to be awaited before a step is planned.
   * @throws MoeqError when the backend cannot begin anew, or the source is closed or short of a weight
   */
  async revive(): Promise<void> {
    if (this.closed || !isLost(this)) return;
    this.#reviving ??= this.#reload().finally(() => {
      this.#reviving = null;
    });
    await this.#reviving;
  }

  async #reload(): Promise<void> {
    await this.backend.restart?.();
    try {
      this.#state = await this.#load();
    } catch (cause) {
      if (MoeqError.isInstance(cause)) throw cause;
      throw new MoeqError({
        operation: 'load again what the backend has lost',
        subject: this.#name,
        expected: 'a source that is still open',
        found: cause instanceof Error ? cause.message : String(cause),
        cause,
      });
    }
    this.#onLoss();
  }
}
