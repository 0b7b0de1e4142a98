// A backend that can lose all that was loaded, as a GPU does with its device, and restart.
import { type Backend, referenceBackend } from '@moeq/kernels';

export interface LossyBackend extends Backend {
  /** Steps and loads fail from now on. */
  lose(): void;
  /** The next step computes, and then everything is lost. */
  loseInNextStep(): void;
  readonly restarts: () => number;
}

export function lossyBackend(): LossyBackend {
  let inner = referenceBackend();
  let lost = false;
  let losses = 0;
  let restarts = 0;
  let next = false;
  const lose = (): void => {
    lost = true;
    losses += 1;
  };
  const alive = async <Result>(work: () => Promise<Result>): Promise<Result> => {
    if (lost) throw new Error('device lost');
    return work();
  };
  return {
    specificationVersion: 'v1',
    name: 'lossy',
    description: 'loses everything',
    threads: 1,
    get losses() {
      return losses;
    },
    lose,
    loseInNextStep() {
      next = true;
    },
    restarts: () => restarts,
    async restart() {
      if (!lost) return;
      restarts += 1;
      inner = referenceBackend();
      lost = false;
    },
    loadWeight: (parts) => alive(() => inner.loadWeight(parts)),
    loadExperts: (experts, expert) => alive(() => inner.loadExperts(experts, expert)),
    loadMlp: (data) => alive(() => inner.loadMlp(data)),
    loadVector: (values) => alive(() => inner.loadVector(values)),
    loadHeads: (data, heads) => alive(() => inner.loadHeads(data, heads)),
    createKvCache: (spec) => inner.createKvCache(spec),
    createStateCache: (spec) => inner.createStateCache(spec),
    step: (body) =>
      alive(async () => {
        const result = await inner.step(body);
        if (!next) return result;
        next = false;
        lose();
        throw new Error('device lost');
      }),
    release: (object) => inner.release(object),
    destroy: () => inner.destroy(),
  };
}
