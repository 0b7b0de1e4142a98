// Layers that keep the same of a sequence form a cache group: one cache in the backend holds it for all of them, and one
// allocator hands out its pages. A model whose layers are alike has one group; one that alternates windows with full
// attention has two, and the pages of the windows are few.
import { type KvCacheSpec, unseenPages } from '@moeq/kernels';
import type { CacheNeed, KvNeed } from './layer-cache.js';

/** vLLM's page: a sequence wastes 8 tokens on average, and prefixes can be shared in steps of 16. */
const pageSize = 16;

interface KvGroup extends Pick<KvNeed, 'kind' | 'window'> {
  /** Its layers are those of the group. */
  readonly spec: KvCacheSpec;
  /** Of the decoder; layer `layers[i]` has layer i of the cache. */
  readonly layers: readonly number[];
}

export type CacheGroup = KvGroup;

export interface CacheSize {
  /** Tokens of all sequences together. */
  readonly tokens: number;
  /** Tokens of one sequence that a step feeds at most. */
  readonly chunk: number;
}

/** Sequences whose windows have room beside each other: as many as an engine's batch has by default. */
const windowedSequences = 32;

/** The groups of a decoder, in the order of their first layers. @param needs of its layers */
export function cacheGroups(needs: readonly CacheNeed[], size: CacheSize): CacheGroup[] {
  const members = new Map<string, { readonly need: CacheNeed; readonly layers: number[] }>();
  for (const [layer, need] of needs.entries()) {
    const key = JSON.stringify(Object.entries(need).sort());
    const known = members.get(key);
    if (known === undefined) members.set(key, { need, layers: [layer] });
    else known.layers.push(layer);
  }
  return Array.from(members.values(), ({ need, layers }) => groupOf(need, layers, size, windowedSequences));
}

/** The group of one layer alone, with room for one sequence. */
export function layerGroup(need: CacheNeed, size: CacheSize): CacheGroup {
  return groupOf(need, [0], size, 1);
}

function groupOf(
  { kind, window, ...sizes }: CacheNeed,
  layers: readonly number[],
  { tokens, chunk }: CacheSize,
  sequences: number,
): CacheGroup {
  const all = Math.ceil(tokens / pageSize);
  const windows = sequences * windowPages(window ?? 0, pageSize) + Math.ceil(chunk / pageSize);
  const pages = window === null ? all : Math.min(all, windows);
  return { kind, spec: { ...sizes, layers: layers.length, pageSize, pages }, window, layers };
}

/** Pages that the tokens before the next one can lie in, as far as that sees them, wherever pages begin; and one more. */
export function windowPages(window: number, pageSize: number): number {
  return Math.ceil(window / pageSize) + 1;
}

/** Pages at the beginning of a sequence of `length` tokens that no later token sees. */
export function deadPages(length: number, window: number | null, pageSize: number): number {
  return unseenPages(length, window ?? undefined, pageSize);
}
