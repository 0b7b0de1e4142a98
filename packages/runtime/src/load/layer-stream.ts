// A decoder one part at a time: embedding, each layer, head. A part is loaded, run over any number of sequences and
// released, so a model needs the memory of its largest part alone and several models can run side by side. The parts are
// those that the decoder in memory is made of.
//
// Shapes: T tokens of one sequence, D hidden, W columns of what is carried, V vocabulary, A experts per token.
import type { Backend, Step } from '@moeq/kernels';
import { joinRoutings, type Routing } from '@moeq/router';
import { checkOptions, checks, MoeqError, type OptionChecks } from '@moeq/tensors';
import { layerGroup } from '../caches/cache-groups.js';
import { CachePool } from '../caches/cache-pool.js';
import { createCaches, type GroupSegments } from '../caches/model-caches.js';
import type { Carried, CarriedKind } from '../decoder/carried.js';
import { makeCarried } from '../decoder/carried-states.js';
import { runHead, runLayer } from '../decoder/decoder.js';
import { cacheLayer, cacheNeeds, carriedColumns, decoderRotation } from '../decoder/layer-needs.js';
import type { ModelSource } from '../model-source.js';
import { logitRowsPerStep } from '../run/sequence-logits.js';
import { loadEmbedding, loadHead, loadLayer } from './load-decoder.js';
import { defaultPrefillChunk, partPlans } from './load-plan.js';
import { assertFits } from './memory-error.js';
import { WeightLoader } from './weight-loader.js';

/** A part in the backend's memory. */
export interface LoadedPart<Input, Output> {
  /** Bytes of its weights. */
  readonly bytes: number;
  run(input: Input): Promise<Output>;
  /** Frees all that it holds; it must not run again. */
  release(): void;
}

/** What passes from part to part of the tokens of a sequence. */
export interface StreamState {
  /** Float32 [T, D] */
  readonly hidden: Float32Array;
  /** What the layers are given besides it, Float32 [T, W] of each kind: made with the embeddings, and the same for all layers. */
  readonly carried: Readonly<Partial<Record<CarriedKind, Float32Array>>>;
}

export interface LayerOutput extends StreamState {
  /** [T, A]; null in a dense layer. */
  readonly routing: Routing | null;
}

export interface LayerStream {
  /** Bytes of a `StreamState` a token. */
  readonly bytesPerToken: number;
  /** Int32 [T] token ids, to what the first layer reads. */
  embedding(): Promise<LoadedPart<Int32Array, StreamState>>;
  /** A whole sequence from its first token, to the same after the layer. */
  layer(index: number): Promise<LoadedPart<StreamState, LayerOutput>>;
  /** Float32 [T, D], any rows of the last layer, to logits Float32 [T, V]. */
  head(): Promise<LoadedPart<Float32Array, Float32Array>>;
}

export interface LayerStreamOptions {
  readonly backend: Backend;
  /** Tokens of the longest sequence. Default: the model's context. */
  readonly maxTokens?: number | undefined;
  /** Tokens that one step takes. Default 256. */
  readonly chunk?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Weights are read each time a part is loaded, so the source stays open for as long as the stream is used. Loading and
 * running throw what `createModel` and `Model.logits` throw; a part that fails to load leaves nothing behind.
 * @throws MoeqError for a wrong option, or layers that read what others keep; MemoryError where, by the headers, the backend cannot
 *   hold one of the parts
 */
export function layerStream(source: ModelSource, options: LayerStreamOptions): LayerStream {
  checkOptions('stream the layers of a model', options, optionChecks);
  const { config } = source;
  const { backend, maxTokens = config.contextLength, chunk = defaultPrefillChunk, signal } = options;
  assertOwnCaches(source);
  for (const plan of partPlans(source, maxTokens, chunk)) assertFits(source, backend, plan);
  const { hiddenSize, vocabularySize, embeddingScale } = config;
  const rotation = decoderRotation(config);
  const frequenciesOf = (length: number) => {
    const kind = rotation?.kindOf(length) ?? 0;
    return rotation === null || kind === 0 ? {} : { inverseFrequencies: rotation.inverseFrequencies(kind) };
  };

  /** All that `load` loads, and what is released with it. */
  const part = async <Loaded, Input, Output>(
    load: (loader: WeightLoader) => Promise<Loaded>,
    run: (loaded: Loaded, input: Input) => Promise<Output>,
  ): Promise<LoadedPart<Input, Output>> => {
    const loader = new WeightLoader(source, backend, 0, { signal });
    try {
      const loaded = await load(loader);
      const { bytes } = loader;
      return { bytes, run: (input) => run(loaded, input), release: () => loader.release() };
    } catch (error) {
      loader.release();
      throw error;
    }
  };

  const embedding = () =>
    part(
      (loader) => loadEmbedding(loader, config),
      async (loaded, ids: Int32Array): Promise<StreamState> => {
        const hidden = new Float32Array(ids.length * hiddenSize); // [T, D]
        const carried: Partial<Record<CarriedKind, Float32Array>> = {};
        for (let start = 0; start < ids.length; start += chunk) {
          const own = ids.subarray(start, start + chunk);
          await backend.step(async (step) => {
            const x = step.embed(loaded.embedding, own, embeddingScale);
            const made = makeCarried(step, loaded.carried, own, x);
            hidden.set(await step.read(x), start * hiddenSize);
            for (const [kind, rows] of carriedOf(made)) {
              carried[kind] ??= new Float32Array(ids.length * rows.columns); // [T, W]
              carried[kind].set(await step.read(rows), start * rows.columns);
            }
          });
        }
        return { hidden, carried };
      },
    );

  const layer = (index: number) =>
    part(
      (loader) => loadLayer(loader, config, index),
      async (loaded, { hidden, carried }: StreamState): Promise<LayerOutput> => {
        const own = frequenciesOf(hidden.length / hiddenSize);
        const need = cacheNeeds(config)[index] ?? null;
        const groups = need === null ? [] : [layerGroup(need, { tokens: maxTokens, chunk })];
        const [table] = new CachePool(groups).tables();
        const caches = createCaches(backend, groups);
        const output = new Float32Array(hidden.length); // [T, D]
        const routings: Routing[] = [];
        try {
          for (const { x, start, tokens } of chunks(hidden, hiddenSize, chunk)) {
            table?.trim(start);
            table?.reserve(start + tokens);
            const segments = [table?.segment(start, tokens, own)] as GroupSegments;
            const place = caches.places([segments]).get(0) ?? null;
            await backend.step(async (step) => {
              const given = inputsOf(step, carried, hidden.length / hiddenSize, start, tokens);
              const ran = runLayer(step, step.input(x, tokens), loaded, place, given);
              output.set(await step.read(ran.output), start * hiddenSize);
              if (ran.routing !== null) routings.push(await step.readRouting(ran.routing));
            });
            table?.advance(start + tokens);
          }
        } finally {
          caches.release();
        }
        return { hidden: output, carried, routing: joinRoutings(routings) };
      },
    );

  const head = () =>
    part(
      (loader) => loadHead(loader, config),
      async (loaded, hidden: Float32Array) => {
        const logits = new Float32Array((hidden.length / hiddenSize) * vocabularySize); // [T, V]
        const rows = logitRowsPerStep(vocabularySize, chunk);
        for (const { x, start, tokens } of chunks(hidden, hiddenSize, rows)) {
          const read = await backend.step((step) => step.read(runHead(step, step.input(x, tokens), loaded)));
          logits.set(read, start * vocabularySize);
        }
        return logits;
      },
    );

  const bytesPerToken = 4 * (hiddenSize + carriedColumns(config));
  return { bytesPerToken, embedding, layer, head };
}

const optionChecks: OptionChecks<LayerStreamOptions> = {
  backend: checks.objectWith('a backend', 'specificationVersion'),
  maxTokens: checks.integer({ min: 1 }),
  chunk: checks.integer({ min: 1 }),
  signal: checks.signal,
};

/** @throws MoeqError for a layer that reads what another keeps, and so does not run by itself */
function assertOwnCaches({ name, config }: ModelSource): void {
  const shared = config.layers.findIndex((_, index) => cacheLayer(config, index) !== index);
  if (shared < 0) return;
  throw new MoeqError({
    operation: 'stream the layers of a model',
    subject: name,
    expected: 'layers that keep keys and values of their own',
    found: `layer ${shared}, which reads those of layer ${cacheLayer(config, shared)}`,
  });
}

/** Entries of what is carried, by kind. */
function carriedOf<Value>(carried: Readonly<Partial<Record<CarriedKind, Value>>>): [CarriedKind, Value][] {
  return Object.entries(carried) as [CarriedKind, Value][];
}

/** Rows `start` to `start + tokens` - 1 of what `all` tokens carry, as activations. */
function inputsOf(
  step: Step,
  carried: StreamState['carried'],
  all: number,
  start: number,
  tokens: number,
): Carried {
  return Object.fromEntries(
    carriedOf(carried).map(([kind, values]) => {
      const columns = values.length / all;
      return [kind, step.input(values.subarray(start * columns, (start + tokens) * columns), tokens)];
    }),
  );
}

/** Consecutive rows of a matrix of `columns` columns. */
function* chunks(values: Float32Array, columns: number, rows: number) {
  const all = values.length / columns;
  for (let start = 0; start < all; start += rows) {
    const tokens = Math.min(rows, all - start);
    yield { x: values.subarray(start * columns, (start + tokens) * columns), start, tokens };
  }
}
