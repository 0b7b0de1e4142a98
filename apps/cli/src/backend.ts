// Which backend computes. `auto` is the best one that works on this machine: WebGPU where there is a real GPU and the
// package `webgpu` is installed beside moeq, else the CPU.
import { type Backend, referenceBackend } from '@moeq/kernels';
import { isMoeqError } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import type { WebGpuBackend, WebGpuErrorCode, WgslFormats } from '@moeq/webgpu';

export const backendNames = ['auto', 'cpu', 'webgpu', 'reference'] as const;
export type BackendName = (typeof backendNames)[number];

export interface OpenedBackend {
  readonly backend: Backend;
  /** The same, where it is the GPU's. */
  readonly gpu: WebGpuBackend | null;
  /** A sentence for the user who chose it. */
  readonly notice: string | null;
}

/**
 * @param threads how many may compute; the backend's own choice unless given, and always one in the reference backend.
 *   Who asks `auto` for threads asks for the CPU.
 * @param formats that no layout describes, for a GPU
 * @throws WebGpuError `notInstalled` or `noAdapter` from `webgpu`
 */
export async function openBackend(
  name: BackendName,
  threads?: number,
  formats: WgslFormats = {},
): Promise<OpenedBackend> {
  switch (name) {
    case 'auto':
      return (threads === undefined ? await realGpu(formats) : null) ?? cpu(threads);
    case 'cpu':
      return cpu(threads);
    case 'webgpu':
      return anyGpu(formats);
    case 'reference':
      return { backend: referenceBackend(), gpu: null, notice: null };
  }
}

async function cpu(threads: number | undefined): Promise<OpenedBackend> {
  const backend = await wasmBackend(threads === undefined ? {} : { threads });
  return { backend, gpu: null, notice: null };
}

/** null: none that is faster than the CPU. */
async function realGpu(formats: WgslFormats): Promise<OpenedBackend | null> {
  const { webgpuBackend } = await import('@moeq/webgpu/node');
  try {
    const gpu = await webgpuBackend({ software: false, formats });
    return { backend: gpu, gpu, notice: null };
  } catch (error) {
    if (isMoeqError(error, 'notInstalled', 'noAdapter')) return null;
    throw error;
  }
}

async function anyGpu(formats: WgslFormats): Promise<OpenedBackend> {
  const [{ webgpuBackend }, { isSoftwareAdapter }] = await Promise.all([
    import('@moeq/webgpu/node'),
    import('@moeq/webgpu'),
  ]);
  const gpu = await webgpuBackend({ formats });
  const notice = isSoftwareAdapter(gpu.adapterInfo)
    ? `${gpu.description} is no GPU but a program that computes on the CPU; --backend cpu is faster`
    : null;
  return { backend: gpu, gpu, notice };
}

const gpuCodes = ['notInstalled', 'noAdapter', 'deviceLost', 'outOfMemory', 'limit', 'validation'] as const;

/** Whether it is one of `WebGpuErrorCode`, without loading @moeq/webgpu. */
export function isGpuError(error: unknown): boolean {
  return isMoeqError(error, ...(gpuCodes satisfies readonly WebGpuErrorCode[]));
}
