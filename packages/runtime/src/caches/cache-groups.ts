// Layers that keep the same of a sequence form a cache group: one cache in the backend holds it for all of them, and one
// allocator hands out its pages, or its slots for states. A model whose layers are alike has one group; one that alternates
// windows with full attention has two, and the pages of the windows are few.
import { type KvCacheSpec, type StateCacheSpec, unseenPages } from '@moeq/kernels';
import type { CacheNeed, KvNeed } from './layer-cache.js';

/** vLLM's page: a sequence wastes 8 tokens on average, and prefixes can be shared in steps of 16. */
const pageSize = 16;

interface Group {
  /** Of the decoder; layer `layers[i]` has layer i of the cache. */
  readonly layers: readonly number[];
  /** Tokens at whose ends prefixes are shared. */
  readonly pageSize: number;
  /** Pages of tokens, or slots of states, in each layer. */
  readonly pages: number;
}

interface KvGroup extends Group, Pick<KvNeed, 'kind' | 'window'> {
  readonly spec: Omit<KvCacheSpec, 'layers' | 'pageSize' | 'pages'>;
}

interface StateGroup extends Group {
  readonly kind: 'state';
  readonly states: readonly Pick<StateCacheSpec, 'parts' | 'size'>[];
}

export type CacheGroup = KvGroup | StateGroup;

/** What a backend's cache of keys and values is made by. */
export function kvSpec({ spec, layers, pageSize, pages }: KvGroup): KvCacheSpec {
  return { ...spec, layers: layers.length, pageSize, pages };
}

/** What a backend's caches of states are made by, one for each state. */
export function stateSpecs({ states, layers, pages: slots }: StateGroup): StateCacheSpec[] {
  return states.map((state) => ({ ...state, layers: layers.length, slots }));
}

export interface CacheSize {
  /** Tokens of all sequences together. */
  readonly tokens: number;
  /** Tokens of one sequence that a step feeds at most. */
  readonly chunk: number;
}

/** Sequences whose windows or states have room beside each other: as many as an engine's batch has by default. */
const batchSequences = 32;

/** Tokens of a sequence, at least, for which there is a state: short sequences fill a batch before the cache. */
const tokensAState = 256;

/** The groups of a decoder, in the order of their first layers. @param needs of its layers; null: nothing */
export function cacheGroups(needs: readonly (CacheNeed | null)[], size: CacheSize): CacheGroup[] {
  const members = new Map<string, { readonly need: CacheNeed; readonly layers: number[] }>();
  for (const [layer, need] of needs.entries()) {
    if (need === null) continue;
    const key = JSON.stringify(Object.entries(need).sort());
    const known = members.get(key);
    if (known === undefined) members.set(key, { need, layers: [layer] });
    else known.layers.push(layer);
  }
  return Array.from(members.values(), ({ need, layers }) => groupOf(need, layers, size, batchSequences));
}

/** The group of one layer alone, with room for one sequence. */
export function layerGroup(need: CacheNeed, size: CacheSize): CacheGroup {
  return groupOf(need, [0], size, 1);
}

function groupOf(
  need: CacheNeed,
  layers: readonly number[],
  { tokens, chunk }: CacheSize,
  sequences: number,
): CacheGroup {
  if (need.kind === 'state') {
    return { ...need, layers, pageSize, pages: slots(Math.min(sequences, Math.ceil(tokens / tokensAState))) };
  }
  const { kind, window, ...spec } = need;
  const all = Math.ceil(tokens / pageSize);
  const windows = sequences * windowPages(window ?? 0, pageSize) + Math.ceil(chunk / pageSize);
  const pages = window === null ? all : Math.min(all, windows);
  return { kind, spec, window, layers, pageSize, pages };
}

/** Two for each sequence, the state that a step reads and the one that it writes; as many as sequences for snapshots. */
function slots(sequences: number): number {
  return 3 * sequences;
}

/** Pages that the tokens before the next one can lie in, as far as that sees them, wherever pages begin; and one more. */
export function windowPages(window: number, pageSize: number): number {
  return Math.ceil(window / pageSize) + 1;
}

/** Pages at the beginning of a sequence of `length` tokens that no later token sees. */
export function deadPages(length: number, window: number | null, pageSize: number): number {
  return unseenPages(length, window ?? undefined, pageSize);
}
