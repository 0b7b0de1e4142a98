// The model that is served, and whether it is: loading, ready, or draining.
import { createEngine, type Engine, type EngineOptions, type Model } from '@moeq/runtime';
import { quote } from '@moeq/tensors';
import { ApiError, badField, busy } from './api-error.js';
import { Grammars } from './grammars.js';
import { readBody } from './json-body.js';
import { modelId } from './model-id.js';
import type { Kind, Preparations, Rules } from './prepare.js';
import { type RequestReader, readBySize, readHere } from './reader.js';

export interface ServedModel {
  readonly model: Model;
  /** What clients call it; the first one is in every answer. Default: the last part of its name, `org/name` for the hub's. */
  readonly names?: readonly string[] | undefined;
  /** Bytes of weights by role, for the page. */
  readonly bytesByRole?: Readonly<Record<string, number>>;
  /** Reads long requests in another thread: `TextThread` of @moeq/server/node. Default: this one, which they hold up. */
  readonly reader?: RequestReader | undefined;
}

export interface Ready extends ServedModel {
  readonly id: string;
  readonly names: readonly string[];
  readonly engine: Engine;
  readonly grammars: Grammars;
  readonly reader: RequestReader;
  /** Seconds since 1970. */
  readonly created: number;
}

export interface ServiceOptions {
  readonly rules: Rules;
  /** Called with errors of the server itself, as opposed to those of a request. */
  readonly onError: (error: unknown) => void;
  /** Called once for each kind of field that requests have and that is not used. */
  readonly onNotice: (text: string) => void;
}

/** Fields named in the log: clients make them up, and memory ends. */
const maxNotices = 100;

export class Service {
  readonly report: (error: unknown) => void;
  readonly #options: ServiceOptions;
  readonly #noticed = new Set<string>();
  #ready: Ready | null = null;
  #draining = false;
  /** Requests that are read and not yet submitted. */
  #preparing = 0;

  constructor(options: ServiceOptions) {
    this.report = options.onError;
    this.#options = options;
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
    const { model } = served;
    const engine = createEngine(model, options);
    const { contextLength, config } = model;
    const names = served.names?.length ? served.names : [modelId(model.name)];
    const [id = ''] = names;
    const { vocabularySize } = config;
    const here = readHere({
      name: id,
      contextLength,
      vocabularySize,
      encode: (prompt) => engine.encode(prompt),
    });
    const { reader: beside } = served;
    this.#ready = {
      ...served,
      id,
      names,
      engine,
      reader: beside === undefined ? here : readBySize(here, beside),
      grammars: new Grammars(model, {
        strict: this.#options.rules.strict,
        onAnnotation: (format) =>
          this.#notice(`have a format in a schema that holds no text: ${quote(format)}`),
      }),
      created,
    };
  }

  /**
   * A request as the engine takes it. Counted with the requests that wait, so that many long ones are refused too.
   * @throws ApiError 400 and 415 for what is wrong with it, 429 where there is no room, else as `require`
   */
  async prepare<Of extends Kind>(kind: Of, request: Request) {
    const body = await readBody(request);
    const ready = this.require();
    if (!ready.engine.hasRoom(this.#preparing + 1)) throw busy(ready.engine.statistics().waiting);
    this.#preparing += 1;
    try {
      const prepared: ReturnType<Preparations[Of]> = await ready.reader.prepare(
        kind,
        body,
        this.#options.rules,
      );
      // It may have begun to stop meanwhile.
      this.require(this.#options.rules.strict ? prepared.fields.model : undefined);
      for (const path of prepared.ignored) this.#notice(`have a field that is not used: ${quote(path)}`);
      for (const words of prepared.adapted) this.#notice(`are not as documented: ${words}`);
      return { ...prepared, ready };
    } finally {
      this.#preparing -= 1;
    }
  }

  /**
   * Work for a request before it is submitted, counted with the requests that wait.
   * @throws ApiError 503 where the server has begun to stop meanwhile
   */
  async counted<T>(work: () => Promise<T>): Promise<T> {
    this.#preparing += 1;
    try {
      const done = await work();
      this.require();
      return done;
    } finally {
      this.#preparing -= 1;
    }
  }

  #notice(words: string): void {
    if (this.#noticed.size >= maxNotices || this.#noticed.has(words)) return;
    this.#noticed.add(words);
    this.#options.onNotice(`requests ${words}`);
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
    const { names } = this.#ready;
    if (name === undefined || names.includes(name)) return this.#ready;
    const found = badField('model', `expected ${names.join(' or ')}, found ${name.slice(0, 60)}`);
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
