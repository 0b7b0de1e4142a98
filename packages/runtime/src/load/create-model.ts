// A model from its source: options, weights, caches; where one fails, nothing stays loaded.
import type { Backend } from '@moeq/kernels';
import { checkOptions, checks, type MoeqError, type OptionChecks, optionError } from '@moeq/tensors';
import { type CacheGroup, cacheGroups } from '../caches/cache-groups.js';
import { CachePool } from '../caches/cache-pool.js';
import { createCaches, type ModelCaches } from '../caches/model-caches.js';
import type { DecoderConfig } from '../decoder/config.js';
import { cacheNeeds, decoderRotation } from '../decoder/layer-needs.js';
import { LoadedModel, type Model } from '../model.js';
import type { ModelSource } from '../model-source.js';
import { type LoadedState, RevivableExecutor } from '../run/revive.js';
import { loadDecoder } from './load-decoder.js';
import { defaultPrefillChunk, modelPlan } from './load-plan.js';
import { assertFits } from './memory-error.js';
import type { LoadOptions } from './weight-loader.js';

export interface ModelOptions extends LoadOptions {
  /** Stays the caller's: several models can share one, and closing a model leaves it running. */
  readonly backend: Backend;
  /** Tokens of prompt and generated tokens together. Default: the model's own, at most 4096. */
  readonly contextLength?: number | undefined;
  /** Tokens of all sequences together. Default: contextLength, at least 4096. */
  readonly kvCacheTokens?: number | undefined;
  /** Tokens of a prompt that one step takes. Default 256. */
  readonly prefillChunk?: number | undefined;
}

/** Keeps the default cache near 1 GB for a model of the size of Mixtral 8x7B, which has 256 KB of float32 a token. */
const defaultContextLimit = 4096;
/** Room for several sequences at once where the context is short. */
const minDefaultCacheTokens = 4096;

/**
 * Loads a model. The source may be closed afterwards, where the backend cannot lose what is loaded (`losses`) or the model
 * need not survive that: it is read once more then.
 * @throws MemoryError where, by the headers, the backend cannot hold it: no weight is read then; MoeqError for a wrong option, a
 *   weight that does not fit the configuration, or memory that is short; the signal's reason when it aborts. Nothing stays
 *   loaded then.
 */
export async function createModel(source: ModelSource, options: ModelOptions): Promise<Model> {
  checkOptions('load a model', options, modelChecks(source.config.contextLength));
  const { backend, prefillChunk = defaultPrefillChunk, onProgress, signal } = options;
  const { contextLength, cacheTokens } = modelSize(source.config, options);
  if (cacheTokens < contextLength) throw cacheTooSmall(cacheTokens, contextLength);
  const rotation = decoderRotation(source.config);

  assertFits(source, backend, modelPlan(source, cacheTokens, prefillChunk));
  const groups = cacheGroups(cacheNeeds(source.config), { tokens: cacheTokens, chunk: prefillChunk });
  const pool = new CachePool(groups);
  const load = (how: LoadOptions) => loadState(source, backend, groups, how);
  const state = await load({ onProgress, signal });
  const executor = new RevivableExecutor(
    source.name,
    backend,
    state,
    () => load({}),
    () => pool.lose(),
  );
  return new LoadedModel({ source, executor, pool, contextLength, prefillChunk, rotation });
}

/** Context and cache in tokens, as given or by default. */
export function modelSize(
  config: DecoderConfig,
  options: Pick<ModelOptions, 'contextLength' | 'kvCacheTokens'>,
): { readonly contextLength: number; readonly cacheTokens: number } {
  const contextLength = options.contextLength ?? Math.min(config.contextLength, defaultContextLimit);
  return {
    contextLength,
    cacheTokens: options.kvCacheTokens ?? Math.max(contextLength, minDefaultCacheTokens),
  };
}

async function loadState(
  source: ModelSource,
  backend: Backend,
  groups: readonly CacheGroup[],
  options: LoadOptions,
): Promise<LoadedState> {
  const losses = backend.losses ?? 0;
  const { decoder, bytes, release } = await loadDecoder(source, backend, options);
  let caches: ModelCaches | null = null;
  const releaseAll = () => {
    caches?.release();
    release();
  };
  try {
    caches = createCaches(backend, groups);
    // A device answers with the next step whether it had room.
    if (backend.losses !== undefined) await backend.step(async () => undefined);
    return { decoder, caches, losses, weightBytes: bytes, release: releaseAll };
  } catch (error) {
    releaseAll();
    throw error;
  }
}

function modelChecks(contextLength: number): OptionChecks<ModelOptions> {
  return {
    backend: checks.objectWith('a backend', 'specificationVersion'),
    contextLength: checks.integer({ min: 1, max: contextLength }),
    kvCacheTokens: checks.integer({ min: 1 }),
    prefillChunk: checks.integer({ min: 1 }),
    onProgress: checks.callback,
    signal: checks.signal,
  };
}

function cacheTooSmall(found: number, contextLength: number): MoeqError {
  const expected = `at least the context length, ${contextLength}`;
  return optionError('load a model', 'option kvCacheTokens', expected, `${found}`);
}
