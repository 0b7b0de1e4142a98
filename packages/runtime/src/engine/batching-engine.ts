// Continuous batching (Orca, OSDI 2022): a request joins at the next step and leaves with its last token. Each step feeds one
// token of every request that generates and a chunk of the prompts that are coming in, as in Sarathi-Serve (arXiv
// 2403.02310), so a layer's experts see the tokens of all requests together. Each request has its own sampling.
import { checkOptions, checks, counted, MoeqError } from '@moeq/tensors';
import { PrefixCache } from '../caches/prefix-cache.js';
import { Sequence } from '../caches/sequence.js';
import { LoadedModel, type LoadedModelParts, type Model } from '../model.js';
import { generationSettings } from '../text/generate-options.js';
import type { FinishReason, GeneratedPiece } from '../text/generation.js';
import { type Prompt, promptTokens } from '../text/prompt.js';
import { admit } from './admission.js';
import { computeSlices, type SliceOutcome } from './compute-slices.js';
import { EngineCounters } from './counters.js';
import type { Engine, EngineGenerateOptions, EngineOptions } from './engine.js';
import { FairQueue } from './fair-queue.js';
import { EngineRequest } from './request.js';
import { type EngineStatistics, ExpertLoads } from './statistics.js';
import { type PlannedSlice, planStep } from './step-plan.js';
import { turn } from './turn.js';

/** Where the experts of a large model are busy and tokens still come at reading speed. */
const defaultMaxBatch = 32;
/** Several minutes of work; later requests are refused. */
const defaultMaxQueue = 256;
/** Bounds the pause in other requests to a fraction of that of a whole prompt, and still fills the experts. */
const defaultMixedPrefillChunk = 64;

export class BatchingEngine implements Engine {
  readonly model: Model;
  readonly #parts: LoadedModelParts;
  readonly #options: EngineOptions;
  readonly #prefixes: PrefixCache;
  readonly #waiting = new FairQueue<EngineRequest>();
  /** In the order of their admission. */
  #running: EngineRequest[] = [];
  readonly #paused = new Set<EngineRequest>();
  readonly #aborted = new Set<EngineRequest>();
  readonly #loads: ExpertLoads;
  #loop: Promise<void> | null = null;
  #open = true;
  /** Submitted and not ended. */
  #requests = 0;
  readonly #whenIdle: (() => void)[] = [];
  readonly #counters = new EngineCounters();

  constructor(model: Model, options: EngineOptions) {
    this.model = model;
    this.#parts = LoadedModel.parts(model);
    this.#options = options;
    this.#prefixes = new PrefixCache(this.#parts.pool);
    this.#loads = new ExpertLoads(model.config);
  }

  hasRoom(requests = 1): boolean {
    const { maxBatch = defaultMaxBatch, maxQueue = defaultMaxQueue } = this.#options;
    return this.#open && this.#requests + requests <= maxBatch + maxQueue;
  }

  encode(prompt: Prompt): readonly number[] {
    const { source, contextLength } = this.#parts;
    return promptTokens(source, prompt, contextLength - 1);
  }

  generate(prompt: Prompt, options: EngineGenerateOptions = {}): AsyncGenerator<GeneratedPiece, void, void> {
    const { client = '', ...rest } = options;
    checkOptions('generate', { client: options.client }, { client: checks.text });
    const { source, pool, contextLength, rotation } = this.#parts;
    const sequence = new Sequence(this.encode(prompt), pool, rotation);
    const settings = generationSettings(rest, source, contextLength - sequence.tokens.length);
    const request = new EngineRequest({ client, sequence, tokenizer: source.tokenizer, settings });
    return this.#pieces(request, options.signal);
  }

  statistics(): EngineStatistics {
    const { pool } = this.#parts;
    const pages = pool.total((allocator) => allocator.pages, 'kv');
    const free = pool.total(({ freePages }) => freePages, 'kv');
    const cached = pool.total(({ reclaimable }) => reclaimable, 'kv');
    return {
      waiting: this.#waiting.length,
      running: this.#running.length,
      paused: this.#paused.size,
      ...this.#counters.snapshot(),
      kvCache: { pageSize: pool.pageSize, pages, used: pages - free - cached, cached, free },
      expertLoads: this.#loads.all,
    };
  }

  async drain(): Promise<void> {
    this.#open = false;
    if (this.#requests > 0) await new Promise<void>((resolve) => this.#whenIdle.push(resolve));
    this.#prefixes.clear();
  }

  async close(): Promise<void> {
    this.#open = false;
    for (const request of [...this.#running, ...this.#paused]) this.#abort(request);
    for (let request = this.#waiting.peek(); request !== undefined; request = this.#waiting.peek()) {
      this.#abort(request);
    }
    await this.drain();
  }

  async *#pieces(
    request: EngineRequest,
    signal: AbortSignal | undefined,
  ): AsyncGenerator<GeneratedPiece, void, void> {
    if (!this.hasRoom()) throw this.#refusal();
    const abort = () => this.#abort(request);
    signal?.addEventListener('abort', abort);
    this.#requests += 1;
    try {
      this.#waiting.push(request);
      if (signal?.aborted === true) abort();
      this.#start();
      for (;;) {
        const piece = await request.next();
        if (request.caughtUp && this.#paused.delete(request)) this.#queueAgain(request);
        yield piece;
        if (piece.result !== null) return;
      }
    } finally {
      signal?.removeEventListener('abort', abort);
      this.#abort(request);
    }
  }

  /** Ends a request: at once where it does not run, otherwise after the step that may be computing it. */
  #abort(request: EngineRequest): void {
    if (request.ended) return;
    request.generation.abort();
    const idle = this.#waiting.remove(request) || this.#paused.delete(request);
    if (idle) this.#end(request);
    else this.#aborted.add(request);
  }

  #end(request: EngineRequest): void {
    request.end();
    this.#dismiss(request, request.generation.finishReason ?? 'aborted');
  }

  #fail(request: EngineRequest, error: unknown): void {
    this.#dismiss(request, 'error');
    request.fail(error);
  }

  /** Forgets a request that has ended. */
  #dismiss(request: EngineRequest, reason: FinishReason | 'error'): void {
    request.sequence.release();
    this.#options.onEnd?.(reason);
    this.#requests -= 1;
    if (this.#requests === 0) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  /** A request that ran before waits for its turn again, before the others of its client. */
  #queueAgain(request: EngineRequest): void {
    this.#waiting.push(request, true);
    this.#start();
  }

  #start(): void {
    this.#loop ??= this.#run().finally(() => {
      this.#loop = null;
      // A request may have come since the queue was read last.
      if (this.#waiting.length > 0) this.#start();
    });
  }

  async #run(): Promise<void> {
    while (this.#waiting.length > 0 || this.#running.length > 0) {
      await turn();
      this.#leave();
      this.#running.push(...this.#admitted());
      if (this.#running.length > 0 && (await this.#revive())) await this.#step();
    }
  }

  /** Takes out the requests that were aborted, and those whose readers have to catch up. */
  #leave(): void {
    this.#running = this.#running.filter((request) => {
      if (this.#aborted.has(request)) this.#end(request);
      else if (request.full) {
        request.sequence.release();
        this.#paused.add(request);
      }
      return !request.ended && !this.#paused.has(request);
    });
    this.#aborted.clear();
  }

  #admitted(): EngineRequest[] {
    const { maxBatch = defaultMaxBatch } = this.#options;
    return admit(this.#waiting, this.#running.length, maxBatch, this.#parts.pool, this.#prefixes);
  }

  /** A model that was lost is loaded again; where it cannot be, all requests that run fail with the reason. */
  async #revive(): Promise<boolean> {
    try {
      await this.#parts.executor.revive();
      return true;
    } catch (error) {
      for (const request of this.#running.splice(0)) this.#fail(request, error);
      return false;
    }
  }

  async #step(): Promise<void> {
    const { pool, prefillChunk } = this.#parts;
    const { mixedPrefillChunk = defaultMixedPrefillChunk } = this.#options;
    const limits = { prefillChunk, mixedPrefillChunk: Math.min(mixedPrefillChunk, prefillChunk) };
    const { slices, preempted, reused } = planStep(this.#running, pool, this.#prefixes, limits);
    for (const request of preempted) this.#waiting.push(request, true);
    this.#counters.plan(preempted.length, reused);

    const phases = slices.map(({ request }) => request.generation.phase);
    const began = performance.now();
    const results = await computeSlices(this.#parts.executor, slices, this.#options.expertLoads ?? true);
    const seconds = (performance.now() - began) / 1000;
    await prepareAll(slices, results);
    this.#options.onStep?.(this.#counters.step(slices, seconds));
    for (const [index, slice] of slices.entries()) {
      slice.request.generation.addSeconds(phases[index] ?? 'decode', seconds);
      this.#take(slice, results[index] ?? { error: new Error('a slice without a result') });
    }
    this.#running = this.#running.filter((request) => !request.ended);
  }

  #take({ request, count, logits }: PlannedSlice, result: SliceOutcome): void {
    const { generation, client, sequence } = request;
    if ('error' in result) {
      this.#fail(request, result.error);
      return;
    }
    this.#loads.add(result.routings);
    this.#waiting.charge(client, count);
    this.#prefixes.record(sequence);
    if (generation.phase === 'prefill' || count > 1) this.#counters.prefilled(count);
    if (logits === 'none' || generation.finishReason !== null) return;
    try {
      request.push(generation.accept(result.logits));
      this.#counters.generated();
      const { first, seconds } = request.clock();
      (first ? this.#options.onFirstToken : this.#options.onNextToken)?.(seconds);
    } catch (error) {
      this.#fail(request, error);
    }
    if (generation.finishReason !== null) this.#end(request);
  }

  #refusal(): MoeqError {
    return new MoeqError({
      operation: 'take another request',
      subject: 'the engine',
      expected: this.#open ? 'room in the queue' : 'an open engine',
      found: this.#open ? `${counted(this.#waiting.length, 'request')} waiting` : 'one that is closing',
    });
  }
}

/** Prepares the constraints of requests that get a token, one after the other; one that fails leaves the others. */
async function prepareAll(slices: readonly PlannedSlice[], results: SliceOutcome[]): Promise<void> {
  for (const [index, { logits, request }] of slices.entries()) {
    const result = results[index];
    if (logits === 'none' || result === undefined || 'error' in result) continue;
    try {
      const preparing = request.generation.prepare(turn);
      if (preparing !== null) await preparing;
    } catch (error) {
      results[index] = { error };
    }
  }
}
