// WebGPU in Node, through Dawn: the `webgpu` package on npm, which is an optional peer and loaded when first asked for.
import { assertNode } from '@moeq/tensors/node';
import { webgpuBackend as openBackend } from './backend.js';
import type { WebGpuBackend } from './contract.js';
import { noAdapter } from './device/adapter.js';
import type { Gpu } from './gpu-objects.js';
import { notLoaded } from './node/not-loaded.js';
import { missingDriver } from './node/vulkan.js';
import type { WebGpuOptions } from './options.js';

assertNode(process.versions.node);

/**
 * Workgroup memory need not be cleared: no kernel here reads what it has not written. Saves its clearing in every workgroup,
 * and most of the time that software adapters compile.
 */
const defaultFlags = ['enable-dawn-features=disable_workgroup_init'];

/**
 * Dawn's GPU object.
 * @param flags of Dawn for Node, e.g. `backend=vulkan`; instead of those that suit the kernels of this package
 * @throws WebGpuError `notInstalled` without the package `webgpu`, `noAdapter` where it does not run on this machine, or on
 *   Linux when Vulkan has no driver, without flags that say otherwise
 */
export async function dawn(flags: readonly string[] = defaultFlags): Promise<Gpu> {
  let create: (flags: string[]) => GPU;
  try {
    ({ create } = await import('webgpu'));
  } catch (cause) {
    throw notLoaded(cause);
  }
  if (flags === defaultFlags) {
    const missing = await missingDriver(import.meta.resolve('webgpu'), flags);
    if (missing !== null) throw noAdapter('a driver for Vulkan', missing);
  }
  return create([...flags]);
}

/**
 * A backend on a device of Dawn, unless a GPU, an adapter or a device is given.
 * @throws WebGpuError `notInstalled` or `noAdapter` where there is none; MoeqError for an option that is not known
 */
export async function webgpuBackend(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  const { gpu, adapter, device } = options;
  if (gpu !== undefined || adapter !== undefined || device !== undefined) return openBackend(options);
  return openBackend({ ...options, gpu: await dawn() });
}
