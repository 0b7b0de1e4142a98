// A backend for as long as its device lives: memory, pipelines, and the objects and steps in them.
import { assertExpertCount, type MlpData, makeObjects } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import type { WebGpuBackend } from './backend.js';
import { adapterName } from './device/adapter-info.js';
import { Health } from './device/health.js';
import { Memory, usage } from './device/memory.js';
import { Pipelines } from './device/pipelines.js';
import { deviceMemory } from './memory-need.js';
import { forgetObject, type Objects } from './objects.js';
import type { WebGpuOptions } from './options.js';
import { Executor } from './step/execute.js';
import { Kernels } from './step/kernels.js';
import { makeCache } from './step/kv-cache.js';
import { Recorder } from './step/recorder.js';
import { storeExperts, storeWeight } from './weights/store.js';

/** All of a backend but what outlives its device. */
export interface Session extends Omit<WebGpuBackend, 'losses' | 'restart'> {
  /** The device is gone, with all that was loaded. */
  readonly isLost: boolean;
}

/**
 * @param device destroyed with the session, unless it is the one of the options
 * @param onLoss called once, when the device is lost
 */
export function openSession(device: GPUDevice, options: WebGpuOptions, onLoss: () => void): Session {
  const subgroups = (options.features?.subgroups ?? true) && device.features.has('subgroups');
  const formats = options.formats ?? {};
  const memory = new Memory(device);
  let isLost = false;
  const health = new Health(device, () => {
    isLost = true;
    onLoss();
  });
  const pipelines = new Pipelines(device);
  const executor = new Executor(memory, pipelines, health);
  const objects: Objects = makeObjects();
  /** Buffers of every object that is held. */
  const owned = new Map<object, readonly GPUBuffer[]>();
  const status = memory.create('status', 16, usage.storage | usage.copySource | usage.copyTarget);
  const context = {
    objects,
    executor,
    lowering: {
      kernels: new Kernels(subgroups),
      empty: memory.create('empty', 16, usage.storage),
      status,
      workgroupMemory: device.limits.maxComputeWorkgroupStorageSize,
      beside: {
        bindings: device.limits.maxStorageBuffersPerShaderStage,
        workgroups: device.limits.maxComputeWorkgroupsPerDimension,
      },
    },
    give: (buffer: GPUBuffer) => memory.give(buffer),
    check: () => health.check(),
    resetStatus: () => device.queue.writeBuffer(status, 0, new Uint32Array(4)),
  };
  let lastStep: Promise<unknown> = Promise.resolve();
  let destroyed: Promise<void> | null = null;

  const checkAlive = (operation: string): void => {
    health.checkLoss();
    if (destroyed === null) return;
    const subject = 'WebGPU backend';
    throw new MoeqError({ operation, subject, expected: 'a live backend', found: 'a destroyed one' });
  };

  /** Runs one after the other what must not meet in the pool of buffers. */
  const inTurn = <Result>(work: (recorder: Recorder) => Promise<Result>): Promise<Result> => {
    const result = lastStep.then(async () => {
      health.checkLoss();
      const recorder = new Recorder(context);
      try {
        return await work(recorder);
      } finally {
        recorder.close();
      }
    });
    lastStep = result.catch(() => {});
    return result;
  };

  const hold = <Handle extends object>(
    handle: Handle,
    buffers: readonly { readonly buffer: GPUBuffer }[],
  ): Handle => {
    owned.set(
      handle,
      buffers.map(({ buffer }) => buffer),
    );
    return handle;
  };

  const storeMlps = async (what: string, experts: number, expert: (index: number) => Promise<MlpData>) => {
    checkAlive(`load ${what}`);
    return storeExperts(memory, formats, experts, expert, what);
  };

  return {
    specificationVersion: 'v1',
    name: 'webgpu',
    description: `${adapterName(device.adapterInfo)}${subgroups ? ', subgroups' : ''}`,
    threads: 1,
    adapterInfo: device.adapterInfo,
    get isLost() {
      return isLost;
    },

    async loadWeight(parts) {
      checkAlive('load a weight');
      const stored = await storeWeight(memory, formats, parts);
      const { rows, columns, bytes, groups } = stored;
      return objects.weights.add(hold({ rows, columns, bytes }, groups), stored);
    },

    async loadExperts(experts, expert) {
      assertExpertCount(experts);
      const stored = await storeMlps('experts', experts, expert);
      const { bytes, gateUp, down } = stored;
      return objects.experts.add(hold({ experts, bytes }, [...gateUp, ...down]), stored);
    },

    async loadMlp(data) {
      const stored = await storeMlps('MLP', 1, async () => data);
      const { bytes, gateUp, down } = stored;
      return objects.mlps.add(hold({ bytes }, [...gateUp, ...down]), stored);
    },

    async loadVector(values) {
      checkAlive('load a vector');
      const { length, byteLength: bytes } = values;
      const flags = usage.storage | usage.copyTarget;
      const buffer = await memory.guarded('vector', bytes, () => memory.create('vector', bytes, flags));
      device.queue.writeBuffer(buffer, 0, new Float32Array(values));
      return objects.vectors.add(hold({ length, bytes }, [{ buffer }]), { length, buffer });
    },

    createKvCache(spec) {
      checkAlive('create a KV cache');
      const dtype = options.kvCache === 'f16' ? 'F16' : 'F32';
      const cache = health.allocate(
        'KV cache',
        ({ bytes }) => bytes,
        () => makeCache(memory, spec, dtype),
      );
      const buffers = [...cache.keys, ...cache.values].map((buffer) => ({ buffer }));
      return objects.caches.add(hold({ spec: cache.spec, bytes: cache.bytes }, buffers), cache);
    },

    memoryFor: (plan) => deviceMemory(plan, options.kvCache === 'f16' ? 'F16' : 'F32', memory.largestBinding),

    async step(body) {
      checkAlive('run a step');
      return inTurn(async (recorder) => {
        await health.settle();
        const result = await body(recorder.step);
        await recorder.finish();
        return result;
      });
    },

    release(object) {
      if (!forgetObject(objects, object)) {
        throw new MoeqError({
          operation: 'release',
          subject: 'object',
          expected: 'one that this backend made and still holds',
          found: 'one that is released or of another backend',
        });
      }
      for (const buffer of owned.get(object) ?? []) memory.destroy(buffer);
      owned.delete(object);
      executor.forget();
    },

    async destroy() {
      destroyed ??= lastStep.then(() => {
        for (const handles of Object.values(objects)) handles.clear();
        owned.clear();
        executor.forget();
        health.stop();
        memory.destroyAll();
        if (options.device === undefined) device.destroy();
      });
      await destroyed;
    },

    stats: () => ({
      ...executor.counts,
      pipelines: pipelines.count,
      compileSeconds: pipelines.compileSeconds,
      buffers: memory.counts,
    }),

    async warmUp(body, onProgress) {
      checkAlive('warm up');
      await inTurn(async (recorder) => {
        body(recorder.step);
        await pipelines.compile(recorder.shaders(), onProgress);
      });
    },
  };
}
