// WebGPU in Node, through Dawn: the `webgpu` package on npm, which is an optional peer and loaded when first asked for.
import type { WebGpuBackend } from './backend.js';
import { webgpuBackend as openBackend } from './backend.js';
import { noAdapter } from './device/adapter.js';
import type { WebGpuOptions } from './options.js';

/**
 * Workgroup memory need not be cleared: no kernel here reads what it has not written. Saves its clearing in every workgroup,
 * and most of the time that software adapters compile.
 */
const defaultFlags = ['enable-dawn-features=disable_workgroup_init'];

/**
 * Dawn's GPU object.
 * @param flags of Dawn for Node, e.g. `backend=vulkan`; instead of those that suit the kernels of this package
 * @throws WebGpuError `noAdapter` when the package `webgpu` is not installed or does not run on this machine
 */
export async function dawn(flags: readonly string[] = defaultFlags): Promise<GPU> {
  let create: (flags: string[]) => GPU;
  try {
    ({ create } = await import('webgpu'));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw noAdapter('the package webgpu (npm install webgpu)', reason);
  }
  return create([...flags]);
}

/**
 * A backend on a device of Dawn, unless a GPU, an adapter or a device is given.
 * @throws WebGpuError `noAdapter` where there is none; MoeqError for an option that is not known
 */
export async function webgpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { gpu, adapter, device } = options;
  if (gpu !== undefined || adapter !== undefined || device !== undefined) return openBackend(options);
  return openBackend({ ...options, gpu: await dawn() });
}
