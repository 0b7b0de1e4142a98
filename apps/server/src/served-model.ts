// The model that is served, and whether it is: loading, ready, or draining.
import { createEngine, type Engine, type EngineOptions, type Model } from '@moeq/runtime';
import { ApiError, badField } from './api-error.js';
import { Grammars } from './grammars.js';

export interface ServedModel {
  readonly model: Model;
  /** Bytes of weights by role, for the page. */
  readonly bytesByRole?: Readonly<Record<string, number>>;
}

export interface Ready extends ServedModel {
  readonly engine: Engine;
  readonly grammars: Grammars;
  /** Seconds since 1970. */
  readonly created: number;
}

export class Service {
  /** Hears of errors that are the server's own. */
  readonly report: (error: unknown) => void;
  #ready: Ready | null = null;
  #draining = false;

  constructor(report: (error: unknown) => void) {
    this.report = report;
  }

  get state(): 'loading' | 'ready' | 'draining' {
    if (this.#draining) return 'draining';
    return this.#ready === null ? 'loading' : 'ready';
  }

  /** null while it loads; also while it drains, when answers still come. */
  get current(): Ready | null {
    return this.#ready;
  }

  serve(served: ServedModel, options: EngineOptions): void {
    const created = Math.floor(Date.now() / 1000);
    this.#ready = {
      ...served,
      engine: createEngine(served.model, options),
      grammars: new Grammars(served.model),
      created,
    };
  }

  /** @throws ApiError 503 while the model loads and once the server stops; 404 for another model */
  require(name?: string): Ready {
    const retry = { 'Retry-After': '5' };
    if (this.#draining) {
      throw new ApiError({
        status: 503,
        message: 'The server is stopping.',
        code: 'stopping',
        headers: retry,
      });
    }
    if (this.#ready === null) {
      throw new ApiError({
        status: 503,
        message: 'The model is being loaded.',
        code: 'loading',
        headers: retry,
      });
    }
    if (name === undefined || name === this.#ready.model.name) return this.#ready;
    const found = badField('model', `expected ${this.#ready.model.name}, found ${name.slice(0, 60)}`);
    throw new ApiError({ status: 404, message: found.message, param: 'model', code: 'model_not_found' });
  }

  /**
   * Takes no new requests; ends when the last text has, or cuts them after `seconds`.
   * @returns whether all came to their own end
   */
  async drain(seconds: number): Promise<boolean> {
    this.#draining = true;
    const engine = this.#ready?.engine;
    if (engine === undefined) return true;
    let cut = false;
    const timer = setTimeout(() => {
      cut = true;
      void engine.close();
    }, seconds * 1000);
    await engine.drain();
    clearTimeout(timer);
    return !cut;
  }
}
