// The CPU backend: WebAssembly SIMD kernels on worker threads, in Node and in browsers. Every thread holds the rows that it
// computes, in a memory of its own; a step is one program that all threads run, with no word from the host in between.
import type { Backend, Step } from '@moeq/kernels';
import { assertExpertCount, assertSize, weightShape } from '@moeq/kernels';
import { counted, MoeqError } from '@moeq/tensors';
import { Engine } from './engine.js';
import { pageBytes } from './heap.js';
import { createCache } from './kv-cache.js';
import { loadMatrix } from './load-matrix.js';
import { freeMlp, joinExperts, loadMlp } from './load-mlp.js';
import type { LoadedMlp } from './loaded.js';
import { wasmMemory } from './memory-need.js';
import { readOptions, type StartSettings, type WasmOptions } from './options.js';
import { readAhead } from './read-ahead.js';
import { openStep } from './step.js';
import { Store } from './store.js';
import { loneTeam } from './team/lone-team.js';
import { sharedTeam } from './team/shared-team.js';

/**
 * Starts the threads. Weights go where they are computed: threads bring up to 4 GiB each.
 * Results are the same, bit for bit, for any number of threads and either kind of SIMD.
 * @throws MoeqError for options that are unknown or cannot be had, and where a Content-Security-Policy forbids WebAssembly or
 *   the workers, naming the directive
 */
export async function wasmBackend(options: WasmOptions = {}): Promise<Backend> {
  const settings = readOptions(options);
  if (settings.notice !== null) (options.onNotice ?? console.warn)(settings.notice);
  return startBackend(settings);
}

/** @throws MoeqError when the engine gives no memory, no WebAssembly or no worker */
export async function startBackend({
  threads,
  simd,
  shared,
  worker = 'embedded',
}: StartSettings): Promise<Backend> {
  const team = await (shared ? sharedTeam(threads, simd, worker) : loneTeam(simd, worker));
  const store = new Store(team);
  const engine = new Engine(team, store);
  const { objects } = engine;
  /** What frees each object. */
  const held = new Map<object, () => void>();
  /** Freed when no step is running that may still use them. */
  const leaving: (() => void)[] = [];
  let steps = 0;
  let lastStep: Promise<unknown> = Promise.resolve();
  let destroyed = false;

  const checkAlive = (operation: string): void => {
    if (!destroyed) return;
    throw new MoeqError({
      operation,
      subject: 'WebAssembly backend',
      expected: 'a live backend',
      found: 'a destroyed one',
    });
  };
  const freeWhenIdle = (...frees: (() => void)[]): void => {
    leaving.push(...frees);
    if (steps > 0) return;
    for (const free of leaving.splice(0)) free();
  };

  const hold = <Handle extends object>(handle: Handle, free: () => void): Handle => {
    held.set(handle, free);
    return handle;
  };

  const runStep = async <Result>(body: (step: Step) => Promise<Result>): Promise<Result> => {
    const { step, finish, close } = openStep(engine);
    steps++;
    try {
      const result = await body(step);
      await finish();
      return result;
    } finally {
      close();
      steps--;
      freeWhenIdle();
    }
  };

  return {
    specificationVersion: 'v1',
    name: 'wasm',
    description: `WebAssembly, ${simd} SIMD, ${counted(team.threads, 'thread')}`,
    threads: team.threads,

    async loadWeight(parts) {
      checkAlive('load a weight');
      const { rows, columns } = weightShape(parts);
      const loaded = parts.map((part) => loadMatrix(store, part, { everywhereIfSmall: true }));
      await team.settle();
      const bytes = loaded.reduce((sum, part) => sum + part.bytes, 0);
      const weight = objects.weights.add({ rows, columns, bytes }, { rows, columns, bytes, parts: loaded });
      return hold(weight, () => {
        for (const { record } of loaded) store.free(record);
      });
    },

    async loadExperts(experts, expert) {
      checkAlive('load experts');
      assertExpertCount(experts);
      const mlps: LoadedMlp[] = [];
      try {
        for await (const [index, data] of readAhead(experts, expert)) {
          const mlp = loadMlp(store, data, `expert ${index}`);
          mlps.push(mlp);
          const [first = mlp] = mlps;
          assertSize('load', `expert ${index}: hidden size`, first.hidden, mlp.hidden);
          assertSize('load', `expert ${index}: intermediate size`, first.intermediate, mlp.intermediate);
          await team.settle();
        }
      } catch (error) {
        for (const mlp of mlps) freeMlp(store, mlp);
        throw error;
      }
      const loaded = joinExperts(store, mlps);
      return hold(
        objects.experts.add({ experts, hidden: loaded.hidden, bytes: loaded.bytes }, loaded),
        () => {
          for (const mlp of mlps) freeMlp(store, mlp);
          store.free(loaded.table);
        },
      );
    },

    async loadMlp(data) {
      checkAlive('load an MLP');
      const loaded = loadMlp(store, data);
      await team.settle();
      return hold(objects.mlps.add({ hidden: loaded.hidden, bytes: loaded.bytes }, loaded), () =>
        freeMlp(store, loaded),
      );
    },

    async loadVector(values) {
      checkAlive('load a vector');
      const address = store.allocate(values.byteLength, 'vector');
      store.writeAll(address, new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
      await team.settle();
      const { length, byteLength: bytes } = values;
      return hold(objects.vectors.add({ length, bytes }, { length, bytes, address }), () =>
        store.free(address),
      );
    },

    createKvCache(spec) {
      checkAlive('create a KV cache');
      const loaded = createCache(store, spec);
      return hold(objects.caches.add({ spec: loaded.spec, bytes: loaded.bytes }, loaded), () => {
        store.free(loaded.address);
        store.free(loaded.records);
      });
    },

    memoryFor: (plan) => wasmMemory(plan, team.threads, team.maximumPages * pageBytes),

    async step(body) {
      checkAlive('run a step');
      const result = lastStep.then(() => runStep(body));
      lastStep = result.catch(() => {});
      return result;
    },

    release(object) {
      const free = held.get(object);
      if (free === undefined) {
        throw new MoeqError({
          operation: 'release',
          subject: 'object',
          expected: 'one that this backend made and still holds',
          found: 'one that is released or of another backend',
        });
      }
      held.delete(object);
      for (const handles of Object.values(objects)) handles.delete(object);
      freeWhenIdle(free);
    },

    async destroy() {
      if (destroyed) return;
      destroyed = true;
      await lastStep;
      held.clear();
      for (const handles of Object.values(objects)) handles.clear();
      await team.stop();
    },
  };
}
