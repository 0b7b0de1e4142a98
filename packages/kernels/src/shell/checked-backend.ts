// A `Backend` made of raw operations: the tables of its objects, its checks, the order of its steps, and when memory is freed
// are the same for every backend, and are written here and in checked-step.ts alone.
import { MoeqError } from '@moeq/tensors';
import type { Backend } from '../backend.js';
import type { MlpData } from '../resources.js';
import { assertSize } from '../shapes/assert.js';
import { assertCacheSpec } from '../shapes/caches.js';
import { assertExpertCount, type MlpShape, mlpShape, rowsOfHead, weightShape } from '../shapes/weights.js';
import type { Step } from '../step.js';
import { checkedStep } from './checked-step.js';
import { BackendObjects, type BackendTypes } from './objects.js';
import type { RawBackend, RawStep } from './raw-backend.js';

/** The backend of the contract that computes with `raw`. */
export function checkedBackend<T extends BackendTypes, OpenStep extends RawStep<T> = RawStep<T>>(
  raw: RawBackend<T, OpenStep>,
): Backend {
  const objects = new BackendObjects<T>();
  /** Frees memory of released objects when no step runs that may still use them. */
  const released: (() => void)[] = [];
  let running = false;
  let lastStep: Promise<unknown> = Promise.resolve();
  let destroyed: Promise<void> | null = null;

  const checkAlive = (operation: string): void => {
    raw.check?.();
    if (destroyed === null) return;
    throw new MoeqError({
      code: 'destroyed',
      operation,
      subject: `${raw.name} backend`,
      expected: 'a live backend',
      found: 'a destroyed one',
    });
  };
  const freeReleased = (): void => {
    for (const free of released.splice(0)) free();
  };

  /** Runs `work` on a step of its own when all before it have ended. */
  const inTurn = <Result>(work: (step: OpenStep) => Promise<Result>): Promise<Result> => {
    const result = lastStep.then(async () => {
      raw.check?.();
      running = true;
      try {
        const step = await raw.openStep();
        try {
          return await work(step);
        } finally {
          step.close();
        }
      } finally {
        running = false;
        freeReleased();
      }
    });
    lastStep = result.catch(() => {});
    return result;
  };

  const runStep = async <Result>(
    rawStep: RawStep<T>,
    body: (step: Step) => Promise<Result>,
  ): Promise<Result> => {
    const { step, end } = checkedStep(objects, rawStep, true);
    let result: Result;
    try {
      result = await body(step);
    } catch (error) {
      await end().catch(() => {});
      throw error;
    }
    await end();
    await rawStep.finish();
    return result;
  };

  return {
    specificationVersion: 'v1',
    name: raw.name,
    description: raw.description,
    threads: raw.threads,

    async loadWeight(parts) {
      checkAlive('load a weight');
      const { rows, columns } = weightShape(parts, 'weight', raw.readsFormats);
      const loaded = await raw.loadWeight(parts);
      return objects.hold(objects.weights, { rows, columns, bytes: loaded.bytes }, loaded);
    },

    async loadExperts(experts, expert) {
      checkAlive('load experts');
      assertExpertCount(experts);
      let first: MlpShape | undefined;
      const checked = async (index: number): Promise<MlpData> => {
        const data = await expert(index);
        const shape = mlpShape(data, `expert ${index}`, raw.readsFormats);
        first ??= shape;
        assertSize('load', `expert ${index}: hidden size`, first.hidden, shape.hidden);
        assertSize('load', `expert ${index}: intermediate size`, first.intermediate, shape.intermediate);
        assertSize('load', `expert ${index}: gates`, Number(first.gated), Number(shape.gated));
        assertSize('load', `expert ${index}: bias of gate and up`, first.gateUpBias, shape.gateUpBias);
        assertSize('load', `expert ${index}: bias of down`, first.downBias, shape.downBias);
        return data;
      };
      const loaded = await raw.loadExperts(experts, checked);
      const { bytes } = loaded;
      const { hidden = 0, gated = true } = first ?? {};
      return objects.hold(objects.experts, { experts, hidden, gated, bytes }, loaded);
    },

    async loadMlp(data) {
      checkAlive('load an MLP');
      const { hidden, gated } = mlpShape(data, 'mlp', raw.readsFormats);
      const loaded = await raw.loadMlp(data);
      return objects.hold(objects.mlps, { hidden, gated, bytes: loaded.bytes }, loaded);
    },

    async loadVector(values) {
      checkAlive('load a vector');
      const { length } = values;
      const loaded = await raw.loadVector(values);
      return objects.hold(objects.vectors, { length, bytes: loaded.bytes }, loaded);
    },

    async loadHeads(data, heads) {
      checkAlive('load weights of heads');
      const shape = weightShape([data], 'head weights', raw.readsFormats);
      const rows = rowsOfHead(shape.rows, heads);
      const loaded = await raw.loadHeads(data, heads);
      const { bytes } = loaded;
      return objects.hold(objects.heads, { heads, rows, columns: shape.columns, bytes }, loaded);
    },

    createKvCache(spec) {
      checkAlive('create a KV cache');
      assertCacheSpec('KV cache', spec);
      const own = { ...spec };
      const loaded = raw.createKvCache(own);
      return objects.hold(objects.caches, { spec: own, bytes: loaded.bytes }, loaded);
    },

    createStateCache(spec) {
      checkAlive('create a state cache');
      assertCacheSpec('state cache', spec);
      const own = { ...spec };
      const loaded = raw.createStateCache(own);
      return objects.hold(objects.states, { spec: own, bytes: loaded.bytes }, loaded);
    },

    ...(raw.memoryFor && { memoryFor: raw.memoryFor }),

    async step(body) {
      checkAlive('run a step');
      return inTurn((step) => runStep(step, body));
    },

    ...(raw.compile && {
      async warmUp(body: (step: Step) => void, onProgress?: (ready: number, total: number) => void) {
        checkAlive('warm up');
        await inTurn(async (rawStep) => {
          const { step, end } = checkedStep(objects, rawStep, false);
          try {
            body(step);
            await raw.compile?.(rawStep, onProgress);
          } finally {
            await end();
          }
        });
      },
    }),

    release(object) {
      released.push(objects.release(object));
      if (!running) freeReleased();
    },

    async destroy() {
      destroyed ??= lastStep.then(async () => {
        objects.clear();
        released.length = 0;
        await raw.stop();
      });
      await destroyed;
    },
  };
}
