// The engine that an application makes: continuous batching, with its options checked.
import { checkOptions, checks, type OptionChecks } from '@moeq/tensors';
import type { Model } from '../model.js';
import { BatchingEngine } from './batching-engine.js';
import type { Engine, EngineOptions } from './engine.js';

/**
 * @param model made by createModel; generations of `model.generate` may run beside the engine's
 * @throws MoeqError for a wrong option or another kind of model
 */
export function createEngine(model: Model, options: EngineOptions = {}): Engine {
  checkOptions('make an engine', options, engineChecks);
  return new BatchingEngine(model, options);
}

const engineChecks: OptionChecks<EngineOptions> = {
  maxBatch: checks.integer({ min: 1 }),
  maxQueue: checks.integer({ min: 0 }),
  mixedPrefillChunk: checks.integer({ min: 1 }),
  expertLoads: checks.flag,
  onStep: checks.callback,
  onFirstToken: checks.callback,
  onNextToken: checks.callback,
  onEnd: checks.callback,
};
