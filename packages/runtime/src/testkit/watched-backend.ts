// A backend that counts what lives in it and the steps it runs, and can be made to fail or to call back at a given one.
import { type Backend, referenceBackend } from '@moeq/kernels';

export interface WatchedBackend extends Backend {
  /** Weights, experts, MLPs, vectors and caches that were loaded and not released. */
  readonly live: () => number;
  readonly steps: () => number;
}

export interface Interventions {
  /** Called before the n-th object is loaded, counting from 0; may throw. */
  readonly onLoad?: (index: number) => void;
  /** Called before the n-th step, counting from 0; may throw. */
  readonly onStep?: (index: number) => void;
}

export function watchedBackend({ onLoad, onStep }: Interventions = {}): WatchedBackend {
  const inner = referenceBackend();
  let loads = 0;
  let released = 0;
  let steps = 0;
  const load = <Loaded>(make: () => Loaded): Loaded => {
    onLoad?.(loads);
    const object = make();
    loads += 1;
    return object;
  };
  return {
    ...inner,
    live: () => loads - released,
    steps: () => steps,
    loadWeight: async (parts) => load(() => inner.loadWeight(parts)),
    loadVector: async (values) => load(() => inner.loadVector(values)),
    loadHeads: async (data, heads) => load(() => inner.loadHeads(data, heads)),
    loadMlp: async (data) => load(() => inner.loadMlp(data)),
    createKvCache: (spec) => load(() => inner.createKvCache(spec)),
    createStateCache: (spec) => load(() => inner.createStateCache(spec)),
    async loadExperts(experts, expert) {
      const object = await inner.loadExperts(experts, expert);
      return load(() => object);
    },
    release(object) {
      inner.release(object);
      released += 1;
    },
    step(body) {
      const index = steps;
      steps += 1;
      return inner.step((step) => {
        onStep?.(index);
        return body(step);
      });
    },
  };
}
