// The CPU backend: WebAssembly SIMD kernels on worker threads, in Node and in browsers. Every thread holds the rows that it
// computes, in a memory of its own; a step is one program that all threads run, with no word from the host in between.
import type { Backend } from '@moeq/kernels';
import { checkedBackend } from '@moeq/kernels';
import { counted } from '@moeq/tensors';
import { Engine } from './engine.js';
import { pageBytes } from './heap.js';
import { createCache } from './kv-cache.js';
import { loadHeads } from './load-heads.js';
import { loadMatrix } from './load-matrix.js';
import { freeMlp, joinExperts, loadMlp } from './load-mlp.js';
import type { LoadedMlp } from './loaded.js';
import { wasmMemory } from './memory-need.js';
import { readOptions, type StartSettings, type WasmOptions } from './options.js';
import { readAhead } from './read-ahead.js';
import { createStates } from './state-cache.js';
import { openStep, type WasmTypes } from './step.js';
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

  return checkedBackend<WasmTypes>({
    name: 'wasm',
    description: `WebAssembly, ${simd} SIMD, ${counted(team.threads, 'thread')}`,
    threads: team.threads,

    async loadWeight(parts) {
      const [rows, columns] = [sum(parts.map(({ shape }) => shape[0] ?? 0)), parts[0]?.shape[1] ?? 0];
      const loaded = parts.map((part) => loadMatrix(store, part, { everywhereIfSmall: true }));
      await team.settle();
      const bytes = sum(loaded.map((part) => part.bytes));
      const free = (): void => {
        for (const { record } of loaded) store.free(record);
      };
      return { data: { rows, columns, bytes, parts: loaded }, bytes, free };
    },

    async loadExperts(experts, expert) {
      const mlps: LoadedMlp[] = [];
      try {
        for await (const [index, data] of readAhead(experts, expert)) {
          mlps.push(loadMlp(store, data, `expert ${index}`));
          await team.settle();
        }
      } catch (error) {
        for (const mlp of mlps) freeMlp(store, mlp);
        throw error;
      }
      const data = joinExperts(store, mlps);
      const free = (): void => {
        for (const mlp of mlps) freeMlp(store, mlp);
        store.free(data.table);
      };
      return { data, bytes: data.bytes, free };
    },

    async loadMlp(mlp) {
      const data = loadMlp(store, mlp);
      await team.settle();
      return { data, bytes: data.bytes, free: () => freeMlp(store, data) };
    },

    async loadVector(values) {
      const { length, byteLength: bytes } = values;
      const address = store.allocate(bytes, 'vector');
      store.writeAll(address, bytesOf(values));
      await team.settle();
      return { data: { length, bytes, address }, bytes, free: () => store.free(address) };
    },

    async loadHeads(data, heads) {
      const matrix = loadHeads(store, data, heads);
      await team.settle();
      return { data: { matrix }, bytes: matrix.bytes, free: () => store.free(matrix.record) };
    },

    createKvCache(spec) {
      const data = createCache(store, spec);
      const free = (): void => {
        store.free(data.address);
        if (data.records !== 0) store.free(data.records);
      };
      return { data, bytes: data.bytes, free };
    },

    createStateCache(spec) {
      const data = createStates(store, spec);
      return { data, bytes: data.bytes, free: () => store.free(data.address) };
    },

    memoryFor: (plan) => wasmMemory(plan, team.threads, team.maximumPages * pageBytes),

    openStep: () => openStep(engine),

    stop: () => team.stop(),
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
