// The WebGPU backend: weights and caches in device memory, one command buffer a step. Works wherever a GPUDevice does;
// `node.ts` brings one to Node.
import type { Backend, Step } from '@moeq/kernels';
import { keepAlive, noAdapter, requestAdapter, requestDevice } from './device/adapter.js';
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
  return openSession(device, options);
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
