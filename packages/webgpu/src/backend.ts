// The WebGPU backend: weights and caches in device memory, one command buffer a step. Works wherever a GPUDevice does;
// `node.ts` brings one to Node.
import type { Backend, Step } from '@moeq/kernels';
import { Handles } from '@moeq/kernels';
import { MoeqError } from '@moeq/tensors';
import { adapterName, hold, noAdapter, requestAdapter, requestDevice } from './device/adapter.js';
import { Memory, usage } from './device/memory.js';
import { Pipelines } from './device/pipelines.js';
import { deviceLost, formatBytes, memoryAdvice, WebGpuError } from './errors.js';
import type { WebGpuOptions } from './options.js';
import { validateOptions } from './options.js';
import { Executor } from './step/execute.js';
import { Kernels } from './step/kernels.js';
import { makeCache } from './step/kv-cache.js';
import type { Objects } from './step/recorder.js';
import { Recorder } from './step/recorder.js';
import { storeExperts, storeWeight } from './weights/store.js';

/** What the backend has done since it was made. */
export interface WebGpuStats {
  readonly dispatches: number;
  readonly submits: number;
  /** Bytes that came back from the device. */
  readonly bytesRead: number;
  /** Bytes that went to the device during steps: ids, positions, uniforms. */
  readonly bytesWritten: number;
  readonly pipelines: number;
  /** Time during which pipelines were being compiled. */
  readonly compileSeconds: number;
  readonly buffers: {
    readonly created: number;
    readonly live: number;
    readonly bytes: number;
    readonly peakBytes: number;
  };
}

export interface WebGpuBackend extends Backend {
  readonly adapterInfo: GPUAdapterInfo;
  stats(): WebGpuStats;
  /**
   * Compiles what the operations that `body` issues will need, without running them: a step of one token, say, before the
   * first one is wanted. Reads in it answer nothing.
   * @param onProgress pipelines ready, and how many there will be
   */
  warmUp(body: (step: Step) => void, onProgress?: (ready: number, total: number) => void): Promise<void>;
}

/**
 * A backend on `options.device`, or on a new device of the adapter that is given or found.
 * @throws WebGpuError `noAdapter` where there is none; MoeqError for an option that is not known
 */
export async function webgpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  validateOptions(options);
  const device = options.device ?? (await openDevice(options));
  return makeBackend(device, options);
}

async function openDevice({
  gpu,
  adapter,
  powerPreference,
  software = true,
}: WebGpuOptions): Promise<GPUDevice> {
  if (adapter !== undefined) return requestDevice(adapter, ['subgroups']);
  const source = gpu ?? (globalThis.navigator?.gpu as GPU | undefined);
  if (source === undefined) {
    throw noAdapter(
      'navigator.gpu',
      'none; in Node, import @moeq/webgpu/node; on the web, pages need HTTPS and a browser with WebGPU',
    );
  }
  const device = await requestDevice(await requestAdapter({ gpu: source, powerPreference, software }), [
    'subgroups',
  ]);
  return hold(device, source);
}

function makeBackend(device: GPUDevice, options: WebGpuOptions): WebGpuBackend {
  const subgroups = (options.features?.subgroups ?? true) && device.features.has('subgroups');
  const formats = options.formats ?? {};
  const memory = new Memory(device);
  const pipelines = new Pipelines(device);
  const executor = new Executor(memory, pipelines);
  const kernels = new Kernels(subgroups);
  const objects: Objects = {
    weights: new Handles('weight'),
    experts: new Handles('experts'),
    mlps: new Handles('MLP weights'),
    vectors: new Handles('vector'),
    caches: new Handles('KV cache'),
  };
  const lowering = {
    kernels,
    empty: memory.create('empty', 16, usage.storage),
    status: memory.create('status', 16, usage.storage | usage.copySource | usage.copyTarget),
    workgroupMemory: device.limits.maxComputeWorkgroupStorageSize,
    beside: {
      bindings: device.limits.maxStorageBuffersPerShaderStage,
      workgroups: device.limits.maxComputeWorkgroupsPerDimension,
    },
  };
  let lastStep: Promise<unknown> = Promise.resolve();
  let allocations: Promise<void> = Promise.resolve();
  let destroyed: Promise<void> | null = null;
  let failure: WebGpuError | null = null;
  let lost: WebGpuError | null = null;

  const isOwn = options.device === undefined;
  const onError = (event: Event): void => {
    failure ??= typedError((event as GPUUncapturedErrorEvent).error);
  };
  device.addEventListener('uncapturederror', onError);
  const watchLoss = async (): Promise<void> => {
    const { message } = await device.lost;
    if (destroyed === null) lost = deviceLost('compute', message);
  };
  void watchLoss();

  const check = (): void => {
    if (lost !== null) throw lost;
    const error = failure;
    failure = null;
    if (error !== null) throw error;
  };
  const checkAlive = (operation: string): void => {
    if (destroyed !== null) {
      throw new MoeqError({
        operation,
        subject: 'WebGPU backend',
        expected: 'a live backend',
        found: 'a destroyed one',
      });
    }
    if (lost !== null) throw lost;
  };
  const context = {
    objects,
    executor,
    lowering,
    give: (buffer: GPUBuffer) => memory.give(buffer),
    check,
    resetStatus: () => device.queue.writeBuffer(lowering.status, 0, new Uint32Array(4)),
  };

  const runStep = async <Result>(body: (step: Step) => Promise<Result>): Promise<Result> => {
    if (lost !== null) throw lost;
    await allocations;
    const recorder = new Recorder(context);
    try {
      const result = await body(recorder.step);
      await recorder.finish();
      return result;
    } finally {
      recorder.close();
    }
  };

  /** Runs one after the other what must not meet in the pool of buffers. */
  const inTurn = <Result>(work: () => Promise<Result>): Promise<Result> => {
    const result = lastStep.then(work);
    lastStep = result.catch(() => {});
    return result;
  };

  const releaseBuffers = (buffers: readonly GPUBuffer[]): void => {
    for (const buffer of buffers) memory.destroy(buffer);
    executor.forget();
  };

  return {
    specificationVersion: 'v1',
    name: 'webgpu',
    description: `${adapterName(device.adapterInfo)}${subgroups ? ', subgroups' : ''}`,
    threads: 1,
    adapterInfo: device.adapterInfo,

    async loadWeight(parts) {
      checkAlive('load a weight');
      const stored = await storeWeight(memory, formats, parts);
      const { rows, columns, bytes } = stored;
      const handle = { rows, columns, bytes };
      objects.weights.add(handle, stored);
      return handle;
    },

    async loadExperts(experts, expert) {
      checkAlive('load experts');
      if (experts < 1) {
        throw new MoeqError({
          operation: 'load',
          subject: 'experts',
          expected: 'at least 1',
          found: `${experts}`,
        });
      }
      const stored = await storeExperts(memory, formats, experts, expert, 'experts');
      const handle = { experts, bytes: stored.bytes };
      objects.experts.add(handle, stored);
      return handle;
    },

    async loadMlp(data) {
      checkAlive('load an MLP');
      const stored = await storeExperts(memory, formats, 1, async () => data, 'MLP');
      const handle = { bytes: stored.bytes };
      objects.mlps.add(handle, stored);
      return handle;
    },

    async loadVector(values) {
      checkAlive('load a vector');
      const flags = usage.storage | usage.copyTarget;
      const buffer = await memory.guarded('vector', values.byteLength, () =>
        memory.create('vector', values.byteLength, flags),
      );
      device.queue.writeBuffer(buffer, 0, new Float32Array(values));
      const handle = { length: values.length, bytes: values.byteLength };
      objects.vectors.add(handle, { length: values.length, buffer });
      return handle;
    },

    createKvCache(spec) {
      checkAlive('create a KV cache');
      device.pushErrorScope('out-of-memory');
      const cache = makeCache(memory, spec, options.kvCache === 'f16' ? 'F16' : 'F32');
      const scope = device.popErrorScope();
      allocations = allocations.then(async () => {
        if ((await scope) !== null) throw noRoom('KV cache', cache.bytes);
      });
      allocations.catch(() => {});
      const handle = { spec: cache.spec, bytes: cache.bytes };
      objects.caches.add(handle, cache);
      return handle;
    },

    async step(body) {
      checkAlive('run a step');
      return inTurn(() => runStep(body));
    },

    release(object) {
      const buffers = heldBuffers(objects, object);
      if (buffers === null) {
        throw new MoeqError({
          operation: 'release',
          subject: 'object',
          expected: 'one that this backend made and still holds',
          found: 'one that is released or of another backend',
        });
      }
      releaseBuffers(buffers);
    },

    async destroy() {
      destroyed ??= lastStep.then(() => {
        for (const handles of Object.values(objects)) handles.clear();
        executor.forget();
        memory.destroyAll();
        device.removeEventListener('uncapturederror', onError);
        if (isOwn) device.destroy();
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
      await inTurn(async () => {
        const recorder = new Recorder(context);
        try {
          body(recorder.step);
          await pipelines.compile(recorder.shaders(), onProgress);
        } finally {
          recorder.close();
        }
      });
    },
  };
}

/** Takes an object out of its table; null when it is in none. */
function heldBuffers(objects: Objects, object: object): GPUBuffer[] | null {
  const take = <Data>(
    handles: Handles<object, Data>,
    buffers: (data: Data) => readonly GPUBuffer[],
  ): GPUBuffer[] | null => {
    let data: Data;
    try {
      data = handles.get(object);
    } catch {
      return null;
    }
    handles.delete(object);
    return [...buffers(data)];
  };
  const grouped = ({
    gateUp,
    down,
  }: {
    gateUp: readonly { buffer: GPUBuffer }[];
    down: readonly { buffer: GPUBuffer }[];
  }) => [...gateUp, ...down].map(({ buffer }) => buffer);
  return (
    take(objects.weights, ({ groups }) => groups.map(({ buffer }) => buffer)) ??
    take(objects.experts, grouped) ??
    take(objects.mlps, grouped) ??
    take(objects.vectors, ({ buffer }) => [buffer]) ??
    take(objects.caches, ({ keys, values }) => [...keys, ...values])
  );
}

function noRoom(subject: string, bytes: number): WebGpuError {
  return new WebGpuError('outOfMemory', {
    operation: 'allocate',
    subject,
    expected: `room for ${formatBytes(bytes)}`,
    found: `a device without it; ${memoryAdvice}`,
  });
}

/** What the device says it refused. Its class is told by name, because Node has no global GPUOutOfMemoryError. */
function typedError(error: GPUError): WebGpuError {
  if (error.constructor.name === 'GPUOutOfMemoryError') return noRoom('a buffer', 0);
  return new WebGpuError('validation', {
    operation: 'run',
    subject: 'a command',
    expected: 'one that the device accepts',
    found: error.message,
  });
}
