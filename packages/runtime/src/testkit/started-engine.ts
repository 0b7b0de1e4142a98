// An engine over a small model, and a request run to its end.

import { createEngine } from '../engine/create-engine.js';
import type { Engine } from '../engine/engine.js';
import type { ModelOptions } from '../load/create-model.js';
import type { Model } from '../model.js';
import type { GenerateOptions } from '../text/generate-options.js';
import { load, pieces } from './loaded-model.js';

export async function write(engine: Engine, ids: readonly number[], options: GenerateOptions = {}) {
  const result = (await pieces(engine.generate(ids, options))).at(-1)?.result;
  if (result === null || result === undefined) throw new Error('a text without a result');
  return result;
}

export async function start(options: Partial<ModelOptions> = {}): Promise<{ model: Model; engine: Engine }> {
  const model = await load(options);
  return { model, engine: createEngine(model) };
}
