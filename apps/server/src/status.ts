// GET /status: what the page shows beside a conversation.
import type { Model } from '@moeq/runtime';
import type { Ready } from './served-model.js';

export function statusOf({ id, model, engine, bytesByRole = {} }: Ready): object {
  const { running, waiting, paused, tokens, kvCache, expertLoads } = engine.statistics();
  return {
    model: id,
    architecture: model.config.architecture,
    backend: model.backend.description,
    contextLength: model.contextLength,
    sampling: samplingOf(model),
    memory: { ...model.memory, bytesByRole },
    running,
    waiting,
    paused,
    tokens,
    kvCache,
    experts: expertLoads.map(({ layer, load }) => ({ layer, counts: [...load.counts] })),
  };
}

/** How tokens are chosen where a request says nothing, by its fields. */
function samplingOf({ generation }: Model): object {
  const { greedy, temperature = 1, topP = 1, topK = 0, minP = 0 } = generation;
  return { temperature: greedy === true ? 0 : temperature, top_p: topP, top_k: topK, min_p: minP };
}
