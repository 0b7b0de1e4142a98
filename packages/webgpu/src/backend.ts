// The WebGPU backend: weights and caches in device memory, one command buffer a step. Works wherever a GPUDevice does;
// `node.ts` brings one to Node.
import type { WebGpuBackend } from './contract.js';
import { keepAlive, noAdapter, requestAdapter, requestDevice } from './device/adapter.js';
import { deviceLost } from './errors.js';
import type { WebGpuOptions } from './options.js';
import { checkWebGpuOptions } from './options.js';
import { openSession } from './session.js';

/**
 * A backend on `options.device`, or on a new device of the adapter that is given or found.
 * @throws WebGpuError `noAdapter` where there is none; MoeqError for an option that is not known
 */
export async function webgpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  checkWebGpuOptions(options);
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
    await session.backend.destroy();
    session = await open();
  };

  return {
    specificationVersion: 'v1',
    name: session.backend.name,
    threads: session.backend.threads,
    get description() {
      return session.backend.description;
    },
    get adapterInfo() {
      return session.adapterInfo;
    },
    get losses() {
      return losses;
    },
    loadWeight: (parts) => session.backend.loadWeight(parts),
    loadExperts: (experts, expert) => session.backend.loadExperts(experts, expert),
    loadMlp: (data) => session.backend.loadMlp(data),
    loadVector: (values) => session.backend.loadVector(values),
    loadHeads: (data, heads) => session.backend.loadHeads(data, heads),
    createKvCache: (spec) => session.backend.createKvCache(spec),
    createStateCache: (spec) => session.backend.createStateCache(spec),
    memoryFor: (plan) => session.memoryFor(plan),
    step: (body) => session.backend.step(body),
    warmUp: async (body, onProgress) => session.backend.warmUp?.(body, onProgress),
    release: (object) => session.backend.release(object),
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
      await session.backend.destroy();
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
