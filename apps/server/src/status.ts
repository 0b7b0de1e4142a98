// GET /status: what the page shows beside a conversation.
import type { Ready } from './served-model.js';

export function statusOf({ id, model, engine, bytesByRole = {} }: Ready): object {
  const { running, waiting, paused, tokens, kvCache, expertLoads } = engine.statistics();
  return {
    model: id,
    architecture: model.config.architecture,
    backend: model.backend.description,
    contextLength: model.contextLength,
    memory: { ...model.memory, bytesByRole },
    running,
    waiting,
    paused,
    tokens,
    kvCache,
    experts: expertLoads.map(({ layer, load }) => ({ layer, counts: [...load.counts] })),
  };
}
