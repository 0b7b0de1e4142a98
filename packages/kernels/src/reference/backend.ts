// The reference backend: plain TypeScript, float32 between operations, float64 inside them. Slow, obvious and right;
// every other backend is measured against it.
import { MoeqError } from '@moeq/tensors';
import type { Backend, Step } from '../backend.js';
import { makeObjects } from '../objects.js';
import { assertExpertCount, assertSize } from '../shapes.js';
import { makeCache } from './kv-cache.js';
import { stackMatrices } from './matrix.js';
import type { Mlp } from './mlp.js';
import { makeMlp } from './mlp.js';
import type { Objects } from './objects.js';
import { openStep } from './step.js';

/** A backend that runs anywhere and needs nothing. */
export function referenceBackend(): Backend {
  const objects: Objects = makeObjects();
  let lastStep: Promise<unknown> = Promise.resolve();
  let destroyed = false;

  const checkAlive = (operation: string): void => {
    if (!destroyed) return;
    throw new MoeqError({
      operation,
      subject: 'reference backend',
      expected: 'a live backend',
      found: 'a destroyed one',
    });
  };

  const runStep = async <Result>(body: (step: Step) => Promise<Result>): Promise<Result> => {
    const { step, close } = openStep(objects);
    try {
      return await body(step);
    } finally {
      close();
    }
  };

  return {
    specificationVersion: 'v1',
    name: 'reference',
    description: 'plain TypeScript, float32',
    threads: 1,

    async loadWeight(parts) {
      checkAlive('load a weight');
      const matrix = stackMatrices(parts);
      const { rows, columns, bytes } = matrix;
      return objects.weights.add({ rows, columns, bytes }, matrix);
    },

    async loadExperts(experts, expert) {
      checkAlive('load experts');
      assertExpertCount(experts);
      const mlps: Mlp[] = [];
      for (let index = 0; index < experts; index++) {
        const mlp = makeMlp(await expert(index), `expert ${index}`);
        assertSize('load', `expert ${index}: hidden size`, mlps[0]?.hidden ?? mlp.hidden, mlp.hidden);
        assertSize(
          'load',
          `expert ${index}: intermediate size`,
          mlps[0]?.intermediate ?? mlp.intermediate,
          mlp.intermediate,
        );
        mlps.push(mlp);
      }
      return objects.experts.add({ experts, bytes: mlps.reduce((sum, mlp) => sum + mlp.bytes, 0) }, mlps);
    },

    async loadMlp(data) {
      checkAlive('load an MLP');
      const mlp = makeMlp(data);
      return objects.mlps.add({ bytes: mlp.bytes }, mlp);
    },

    async loadVector(values) {
      checkAlive('load a vector');
      return objects.vectors.add({ length: values.length, bytes: values.byteLength }, values.slice());
    },

    createKvCache(spec) {
      checkAlive('create a KV cache');
      const cache = makeCache(spec);
      return objects.caches.add({ spec: cache.spec, bytes: cache.bytes }, cache);
    },

    async step(body) {
      checkAlive('run a step');
      const result = lastStep.then(() => runStep(body));
      lastStep = result.catch(() => {});
      return result;
    },

    release(object) {
      const held = Object.values(objects).some((handles) => handles.delete(object));
      if (!held) {
        throw new MoeqError({
          operation: 'release',
          subject: 'object',
          expected: 'one that this backend made and still holds',
          found: 'one that is released or of another backend',
        });
      }
    },

    async destroy() {
      destroyed = true;
      await lastStep;
      for (const handles of Object.values(objects)) handles.clear();
    },
  };
}
