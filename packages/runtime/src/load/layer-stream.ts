// A decoder one part at a time: embedding, each layer, head. A part is loaded, run over any number of sequences and
// released, so a model needs the memory of its largest part alone and several models can run side by side. The parts are
// those that the decoder in memory is made of.
//
// Shapes: T tokens of one sequence, D hidden, V vocabulary, A experts per token.
import type { Backend } from '@moeq/kernels';
import { joinRoutings, type Routing } from '@moeq/router';
import { checkOptions, checks, type OptionChecks } from '@moeq/tensors';
import { layerGroup } from '../caches/cache-groups.js';
import { CachePool } from '../caches/cache-pool.js';
import { createCaches, type GroupSegments } from '../caches/model-caches.js';
import { runHead, runLayer } from '../decoder/decoder.js';
import { cacheNeeds, decoderRotation } from '../decoder/layer-needs.js';
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

export interface LayerOutput {
  /** Float32 [T, D] */
  readonly hidden: Float32Array;
  /** [T, A]; null in a dense layer. */
  readonly routing: Routing | null;
}

export interface LayerStream {
  /** Int32 [T] token ids to Float32 [T, D]. */
  embedding(): Promise<LoadedPart<Int32Array, Float32Array>>;
  /** Float32 [T, D], a whole sequence from its first token, to the same after the layer. */
  layer(index: number): Promise<LoadedPart<Float32Array, LayerOutput>>;
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
 * @throws MoeqError for a wrong option; MemoryError where, by the headers, the backend cannot hold one of the parts
 */
export function layerStream(source: ModelSource, options: LayerStreamOptions): LayerStream {
  checkOptions('stream the layers of a model', options, optionChecks);
  const { config } = source;
  const { backend, maxTokens = config.contextLength, chunk = defaultPrefillChunk, signal } = options;
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
      (loader) => loadEmbedding(loader),
      (table, ids: Int32Array) => backend.step((step) => step.read(step.embed(table, ids, embeddingScale))),
    );

  const layer = (index: number) =>
    part(
      (loader) => loadLayer(loader, config, index),
      async (loaded, hidden: Float32Array): Promise<LayerOutput> => {
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
              const ran = runLayer(step, step.input(x, tokens), loaded, place);
              output.set(await step.read(ran.output), start * hiddenSize);
              if (ran.routing !== null) routings.push(await step.readRouting(ran.routing));
            });
            table?.advance(start + tokens);
          }
        } finally {
          caches.release();
        }
        return { hidden: output, routing: joinRoutings(routings) };
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

  return { embedding, layer, head };
}

const optionChecks: OptionChecks<LayerStreamOptions> = {
  backend: checks.objectWith('a backend', 'specificationVersion'),
  maxTokens: checks.integer({ min: 1 }),
  chunk: checks.integer({ min: 1 }),
  signal: checks.signal,
};

/** Consecutive rows of a matrix of `columns` columns. */
function* chunks(values: Float32Array, columns: number, rows: number) {
  const all = values.length / columns;
  for (let start = 0; start < all; start += rows) {
    const tokens = Math.min(rows, all - start);
    yield { x: values.subarray(start * columns, (start + tokens) * columns), start, tokens };
  }
}
