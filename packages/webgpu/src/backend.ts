// The WebGPU backend: weights and caches in device memory, one command buffer a step. Works wherever a GPUDevice does;
// `node.ts` brings one to Node.
import type { Backend } from '@moeq/kernels';
import { keepAlive, noAdapter, requestAdapter, requestDevice } from './device/adapter.js';
import type { AdapterInfo } from './device/adapter-info.js';
import { deviceLost } from './errors.js';
import type { WebGpuOptions } from './options.js';
import { validateOptions } from './options.js';
import { openSession } from './session.js';

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
  readonly adapterInfo: AdapterInfo;
  /** Of its device: a restart begins at zero. */
  stats(): WebGpuStats;
  memoryFor: NonNullable<Backend['memoryFor']>;
  warmUp: NonNullable<Backend['warmUp']>;
  readonly losses: number;
  /** @throws WebGpuError `deviceLost` where the device or adapter was given, `noAdapter` where there is none any more */
  restart: NonNullable<Backend['restart']>;
}

/**
 * A backend on `options.device`, or on a new device of the adapter that is given or found.
 * @throws WebGpuError `noAdapter` where there is none; MoeqError for an option that is not known
 */
export async function webgpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  validateOptions(options);
  let losses = 0;
  const open = async () => {
    const device = options.device ?? (await openDevice(options));
    return openSession(device, options, () => {
      losses += 1;
    });
  };
  let session = await open();
  let restarting: Promise<void> | null = null;
  let destroyed = false;

  const restart = async (): Promise<void> => {
    if (options.device !== undefined || options.adapter !== undefined) {
      throw deviceLost('begin anew', 'it was given to the backend, which cannot ask for another');
    }
    await session.destroy();
    session = await open();
  };

  return {
    specificationVersion: 'v1',
    name: session.name,
    threads: session.threads,
    get description() {
      return session.description;
    },
    get adapterInfo() {
      return session.adapterInfo;
    },
    get losses() {
      return losses;
    },
    loadWeight: (parts) => session.loadWeight(parts),
    loadExperts: (experts, expert) => session.loadExperts(experts, expert),
    loadMlp: (data) => session.loadMlp(data),
    loadVector: (values) => session.loadVector(values),
    createKvCache: (spec) => session.createKvCache(spec),
    memoryFor: (plan) => session.memoryFor(plan),
    step: (body) => session.step(body),
    warmUp: (body, onProgress) => session.warmUp(body, onProgress),
    release: (object) => session.release(object),
    stats: () => session.stats(),
    async restart() {
      if (!session.isLost || destroyed) return;
      restarting ??= restart().finally(() => {
        restarting = null;
      });
      await restarting;
    },
    async destroy() {
      destroyed = true;
      await restarting?.catch(() => undefined);
      await session.destroy();
    },
  };
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
  return keepAlive(device, source);
}
