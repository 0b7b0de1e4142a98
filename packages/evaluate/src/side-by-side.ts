// Several models over the same windows of tokens, layer by layer. Hidden states of a group of windows wait on the host;
// layer n of one model is loaded, runs over all of them and is released, then layer n of the next model; the heads come
// layer n of one model is loaded, runs over all of them and is released, then layer n of the next model; the heads come
// last, window by window over all models, so that logits are compared while they are there. In memory at a time: one layer of one
//
// Shapes: T tokens of a window, D hidden, V vocabulary, S rows whose logits are wanted.
import type { Backend } from '@moeq/kernels';
import type { Routing } from '@moeq/router';
import { layerStream, type ModelSource, type StreamState } from '@moeq/runtime';

/** A window of tokens to run, and which of its rows need logits. */
export interface Job {
  /** Int32 [T] */
  readonly ids: Int32Array;
  /** Rows from `firstRow` to `endRow` - 1. */
  readonly firstRow: number;
  readonly endRow: number;
}

export interface Observer<Item extends Job> {
  /** The experts that each model, in their order, chose for the tokens of a window; of MoE layers only. */
  routings(job: Item, layer: number, routings: readonly Routing[]): void;
  /** @param logits Float32 [S, V] of each model, for rows `row` to `row` + S - 1 of the window */
  logits(job: Item, row: number, logits: readonly Float32Array[]): void;
  /** @param tokens through the whole of one model that this work amounts to. @param label what was worked on */
  worked(tokens: number, label: string): Promise<void>;
}

export interface SideBySideOptions {
  readonly backend: Backend;
  readonly signal?: AbortSignal | undefined;
  /** Of hidden states and what layers are given besides, on the host. Default 512 MiB: 32 thousand tokens of two of D = 2048. */
  readonly groupBytes?: number | undefined;
}

/** Float32 of all models together that are compared at a time: 64 MiB. */
const maxLogits = 2 ** 24;

/** Models have the same number of layers, and of experts in each, and one vocabulary: the caller has checked. */
export async function runSideBySide<Item extends Job>(
  sources: readonly ModelSource[],
  jobs: readonly Item[],
  { backend, signal, groupBytes = 2 ** 29 }: SideBySideOptions,
  observer: Observer<Item>,
): Promise<void> {
  const maxTokens = jobs.reduce((longest, { ids }) => Math.max(longest, ids.length), 1);
  const models = sources.map((source) => ({
    source,
    stream: layerStream(source, { backend, maxTokens, signal }),
    states: [] as StreamState[], // of each window of the group
  }));
  const bytesPerToken = models.reduce((sum, { stream }) => sum + stream.bytesPerToken, 0);
  const [{ config } = { config: null }] = sources;
  if (config === null) return;
  const parts = config.layers.length + 1;
  const worked = async (job: Item, label: string) => {
    await observer.worked(job.ids.length / parts, label);
    signal?.throwIfAborted();
  };

  for (const group of groups(jobs, groupBytes / bytesPerToken)) {
    for (const model of models) {
      const embedding = await model.stream.embedding();
      try {
        model.states = await inTurn(group, ({ ids }) => embedding.run(ids));
      } finally {
        embedding.release();
      }
    }
    for (const index of config.layers.keys()) {
      const routings: (Routing | null)[][] = []; // of each model, of each window
      for (const { source, stream, states } of models) {
        const layer = await stream.layer(index);
        try {
          routings.push(
            await inTurn(group, async (job, place) => {
              const output = await layer.run(states[place] as StreamState);
              states[place] = output;
              await worked(job, `${source.name} layer ${index}`);
              return output.routing;
            }),
          );
        } finally {
          layer.release();
        }
      }
      for (const [place, job] of group.entries()) {
        const ofJob = routings.flatMap((each) => each[place] ?? []);
        if (ofJob.length > 0) observer.routings(job, index, ofJob);
      }
    }
    const heads: Awaited<ReturnType<(typeof models)[number]['stream']['head']>>[] = [];
    try {
      for (const { stream } of models) heads.push(await stream.head());
      const rows = Math.max(1, Math.floor(maxLogits / (config.vocabularySize * sources.length)));
      for (const [place, job] of group.entries()) {
        for (let row = job.firstRow; row < job.endRow; row += rows) {
          const end = Math.min(row + rows, job.endRow);
          const logits = await inTurn(heads, (head, index) => {
            const { source, states } = models[index] as (typeof models)[number];
            const width = source.config.hiddenSize;
            const { hidden } = states[place] as StreamState;
            return head.run(hidden.subarray(row * width, end * width));
          });
          observer.logits(job, row, logits);
        }
        for (const { source } of models) await worked(job, `${source.name} head`);
      }
    } finally {
      for (const head of heads) head.release();
    }
  }
}

/** Consecutive jobs of at most `tokens` together; one job at least. */
function* groups<Item extends Job>(jobs: readonly Item[], tokens: number): Generator<Item[]> {
  let group: Item[] = [];
  let size = 0;
  for (const job of jobs) {
    if (group.length > 0 && size + job.ids.length > tokens) {
      yield group;
      group = [];
      size = 0;
    }
    group.push(job);
    size += job.ids.length;
  }
  if (group.length > 0) yield group;
}

/** The results of one item after the other. */
async function inTurn<Item, Result>(
  items: readonly Item[],
  run: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (const [index, item] of items.entries()) results.push(await run(item, index));
  return results;
}
