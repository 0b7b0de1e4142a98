// A small model whose layers have windows of given sizes or keep states, in a backend that can lose it, with caches in pages
// of any size: for tests of what is kept of a sequence.
import { type CacheGroup, cacheGroups } from '../caches/cache-groups.js';
import { CachePool } from '../caches/cache-pool.js';
import { createCaches } from '../caches/model-caches.js';
import { PrefixCache } from '../caches/prefix-cache.js';
import { Sequence } from '../caches/sequence.js';
import type { DecoderConfig } from '../decoder/config.js';
import { cacheNeeds } from '../decoder/layer-needs.js';
import type { MixerConfig } from '../decoder/mixers.js';
import { loadDecoder } from '../load/load-decoder.js';
import { RevivableExecutor } from '../run/revive.js';
import { runBatch } from '../run/run-batch.js';
import { type LossyBackend, lossyBackend } from './lossy-backend.js';
import {
  mixtralLayer,
  randomSource,
  tinyAttention,
  tinyDeltaNet,
  tinyKimiDelta,
  tinyLatent,
  tinyMamba,
  tinyMamba2,
  tinyMixtral,
  tinyShortConv,
} from './random-source.js';

/**
 * What a layer keeps: a window of so many tokens, all for null, latents, the states of a delta net, of Kimi Delta Attention or of
 * Mamba, or the state of a convolution of so many taps.
 */
export type Kept =
  | number
  | null
  | 'latent'
  | 'delta'
  | 'kimi'
  | 'mamba'
  | 'mamba2'
  | { readonly taps: number };

/** One layer for each. */
export function keepingConfig(layers: readonly Kept[], contextLength = 128): DecoderConfig {
  return {
    ...tinyMixtral,
    contextLength,
    layers: layers.map((kept) => {
      return mixtralLayer(5, 2, 12, mixerThatKeeps(kept));
    }),
  };
}

function mixerThatKeeps(kept: Kept): MixerConfig {
  if (kept === 'latent') return tinyLatent;
  if (kept === 'delta') return tinyDeltaNet;
  if (kept === 'kimi') return tinyKimiDelta;
  if (kept === 'mamba') return tinyMamba;
  if (kept === 'mamba2') return tinyMamba2;
  if (kept === null || typeof kept === 'number') return { ...tinyAttention, window: kept };
  return { ...tinyShortConv, taps: kept.taps };
}

export interface CachedModel {
  readonly backend: LossyBackend;
  readonly executor: RevivableExecutor;
  readonly pool: CachePool;
  readonly prefixes: PrefixCache;
  sequence(tokens: Iterable<number>): Sequence;
  /** Feeds `count` pending tokens in one step. @returns float32 [count, V] */
  feed(sequence: Sequence, count: number): Promise<Float32Array>;
  /** Feeds what is pending, in steps of `chunk`. @returns logits after the last token, float32 [V] */
  feedAll(sequence: Sequence, chunk?: number): Promise<Float32Array>;
}

export interface PagesOfGroups {
  readonly pageSize: number;
  readonly pages: number;
  /** Of a group with a window; as many unless given. */
  readonly windowed?: number;
  /** Slots of a group of states; 24 unless given. */
  readonly slots?: number;
}

export async function cachedModel(
  config: DecoderConfig,
  { pageSize, pages, windowed = pages, slots = 24 }: PagesOfGroups,
): Promise<CachedModel> {
  const source = randomSource(config, 11);
  const backend = lossyBackend();
  const groups = cacheGroups(cacheNeeds(config), { tokens: config.contextLength, chunk: 1 }).map(
    (group): CacheGroup => ({
      ...group,
      pageSize,
      pages: group.kind === 'state' ? slots : group.window === null ? pages : windowed,
    }),
  );
  const pool = new CachePool(groups);
  const load = async () => {
    const { losses = 0 } = backend;
    const { decoder, bytes, release } = await loadDecoder(source, backend, {});
    return { decoder, caches: createCaches(backend, groups), losses, weightBytes: bytes, release };
  };
  const executor = new RevivableExecutor(source.name, backend, await load(), load, () => pool.lose());

  const feed = async (sequence: Sequence, count: number) => {
    await executor.revive();
    const [result] = await runBatch(executor, [{ sequence, count, logits: 'all' }]);
    return result?.logits ?? new Float32Array();
  };
  return {
    backend,
    executor,
    pool,
    prefixes: new PrefixCache(pool),
    sequence: (tokens) => new Sequence(tokens, pool),
    feed,
    async feedAll(sequence, chunk = Infinity) {
      let logits = new Float32Array();
      await executor.revive();
      while (sequence.pending > 0) logits = (await feed(sequence, Math.min(chunk, sequence.pending))).slice();
      return logits.slice(-config.vocabularySize);
    },
  };
}

/** The token of the greatest logit. */
export function best(logits: Float32Array): number {
  return logits.indexOf(Math.max(...logits));
}
