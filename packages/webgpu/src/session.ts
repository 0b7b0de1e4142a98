// A backend for as long as its device lives: memory, pipelines, and what loads and steps are made of.
import type { Backend, Loaded, LoadPlan, MatrixData, MemoryNeed, RawBackend } from '@moeq/kernels';
import { checkedBackend } from '@moeq/kernels';
import type { WebGpuStats } from './contract.js';
import { type AdapterInfo, adapterName } from './device/adapter-info.js';
import { Health } from './device/health.js';
import { Memory, usage } from './device/memory.js';
import { Pipelines } from './device/pipelines.js';
import { deviceMemory } from './memory-need.js';
import type { WebGpuOptions } from './options.js';
import { Executor } from './step/execute.js';
import type { GpuTypes } from './step/graph.js';
import { Kernels } from './step/kernels.js';
import { makeCache } from './step/kv-cache.js';
import { Recorder } from './step/recorder.js';
import { makeStates } from './step/state-cache.js';
import { type StoredExperts, type StoredWeight, storeExperts, storeWeight } from './weights/store.js';

export interface Session {
  readonly backend: Backend;
  readonly adapterInfo: AdapterInfo;
  /** The device is gone, with all that was loaded. */
  readonly isLost: boolean;
  stats(): WebGpuStats;
  memoryFor(plan: LoadPlan): MemoryNeed;
}

/**
 * @param device destroyed with the session, unless it is the one of the options
 * @param onLoss called once, when the device is lost
 */
export function openSession(device: GPUDevice, options: WebGpuOptions, onLoss: () => void): Session {
  const subgroups = (options.features?.subgroups ?? true) && device.features.has('subgroups');
  const formats = options.formats ?? {};
  const dtype = options.kvCache === 'f16' ? 'F16' : 'F32';
  const memory = new Memory(device);
  let isLost = false;
  const health = new Health(device, () => {
    isLost = true;
    onLoss();
  });
  const pipelines = new Pipelines(device);
  const executor = new Executor(memory, pipelines, health);
  const status = memory.create('status', 16, usage.storage | usage.copySource | usage.copyTarget);
  const context = {
    executor,
    lowering: {
      kernels: new Kernels(subgroups),
      empty: memory.create('empty', 16, usage.storage),
      status,
      workgroupMemory: device.limits.maxComputeWorkgroupStorageSize,
      mergeLimits: {
        bindings: device.limits.maxStorageBuffersPerShaderStage,
        workgroups: device.limits.maxComputeWorkgroupsPerDimension,
      },
    },
    give: (buffer: GPUBuffer) => memory.give(buffer),
    check: () => health.check(),
    resetStatus: () => device.queue.writeBuffer(status, 0, new Uint32Array(4)),
  };

  const held = <Data>(data: Data, bytes: number, buffers: readonly GPUBuffer[]): Loaded<Data> => ({
    data,
    bytes,
    free() {
      for (const buffer of buffers) memory.destroy(buffer);
      executor.forget();
    },
  });
  const heldExperts = (stored: StoredExperts): Loaded<StoredExperts> =>
    held(
      stored,
      stored.bytes,
      [...stored.gateUp, ...stored.down].map(({ buffer }) => buffer),
    );

  const heldWeight = async (parts: readonly MatrixData[]): Promise<Loaded<StoredWeight>> => {
    const stored = await storeWeight(memory, formats, parts);
    return held(
      stored,
      stored.bytes,
      stored.groups.map(({ buffer }) => buffer),
    );
  };

  const memoryFor = (plan: LoadPlan): MemoryNeed => deviceMemory(plan, dtype, memory.largestBinding);

  const raw: RawBackend<GpuTypes, Recorder> = {
    name: 'webgpu',
    description: `${adapterName(device.adapterInfo)}${subgroups ? ', subgroups' : ''}`,
    threads: 1,
    readsFormats: true,
    memoryFor,

    loadWeight: (parts) => heldWeight(parts),
    loadHeads: (data) => heldWeight([data]),

    async loadExperts(experts, expert) {
      return heldExperts(await storeExperts(memory, formats, experts, expert, 'experts'));
    },

    async loadMlp(data) {
      return heldExperts(await storeExperts(memory, formats, 1, async () => data, 'MLP'));
    },

    async loadVector(values) {
      const bytes = values.byteLength;
      const flags = usage.storage | usage.copyTarget;
      const buffer = await memory.guarded('vector', bytes, () => memory.create('vector', bytes, flags));
      device.queue.writeBuffer(buffer, 0, new Float32Array(values));
      return held({ buffer }, bytes, [buffer]);
    },

    createKvCache(spec) {
      const cache = health.allocate(
        'KV cache',
        ({ bytes }) => bytes,
        () => makeCache(memory, spec, dtype),
      );
      return held(cache, cache.bytes, [...cache.keys, ...cache.values]);
    },

    createStateCache(spec) {
      const states = health.allocate(
        'state cache',
        ({ bytes }) => bytes,
        () => makeStates(memory, spec),
      );
      return held(states, states.bytes, states.layers);
    },

    check: () => health.checkLoss(),

    async openStep() {
      await health.settle();
      return new Recorder(context);
    },

    compile: (recorder, onProgress) => pipelines.compile(recorder.shaders(), onProgress),

    async stop() {
      executor.forget();
      health.stop();
      memory.destroyAll();
      if (options.device === undefined) device.destroy();
    },
  };

  return {
    backend: checkedBackend(raw),
    adapterInfo: device.adapterInfo,
    memoryFor,
    get isLost() {
      return isLost;
    },
    stats: () => ({
      ...executor.counts,
      pipelines: pipelines.count,
      compileSeconds: pipelines.compileSeconds,
      buffers: memory.counts,
    }),
  };
}
