// A model whose backend has lost it, with a GPU's device, is loaded again before its next step: the same weights from the
// same source, empty caches of the same size. The requests of the failed step have ended with its error; all other sequences
// are fed again from their first token.
import { MoeqError } from '@moeq/tensors';
import { type Executor, isLost } from './run-batch.js';

/** What is loaded into a backend, and again after a loss. */
export interface LoadedState extends Pick<Executor, 'decoder' | 'caches' | 'losses'> {
  /** Bytes in the backend's memory. */
  readonly weightBytes: number;
  /** Frees weights and caches. */
  release(): void;
}

/** An executor over what is loaded at the moment. */
export class RevivableExecutor implements Executor {
  readonly backend: Executor['backend'];
  closed = false;
  readonly #load: () => Promise<LoadedState>;
  readonly #onLoss: () => void;
  readonly #name: string;
  #state: LoadedState;
  #reviving: Promise<void> | null = null;

  /**
   * @param load loads weights and caches into the backend, from a source that may be closed by now
   * @param onLoss the caches are empty from now on
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

  get caches(): Executor['caches'] {
    return this.#state.caches;
  }

  get losses(): number {
    return this.#state.losses;
  }

  get weightBytes(): number {
    return this.#state.weightBytes;
  }

  /** Frees weights and caches, unless they are lost anyway. */
  release(): void {
    if (!isLost(this)) this.#state.release();
  }

  /**
   * Loads the model again if its backend has lost it; to be awaited before a step is planned.
   * @throws MoeqError when the backend cannot restart, or the source is closed or short of a weight
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
