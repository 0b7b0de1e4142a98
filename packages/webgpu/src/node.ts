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

/** What Dawn loads on Linux. */
const vulkanLibrary = 'libvulkan.so.1';

/**
 * Dawn's GPU object.
 * @param flags of Dawn for Node, e.g. `backend=vulkan`; instead of those that suit the kernels of this package
 * @throws WebGpuError `noAdapter` when the package `webgpu` is not installed or does not run on this machine, or on Linux
 *   when there is no Vulkan, without flags that say otherwise
 */
export async function dawn(flags: readonly string[] = defaultFlags): Promise<GPU> {
  let create: (flags: string[]) => GPU;
  try {
    ({ create } = await import('webgpu'));
  } catch (cause) {
    throw noAdapter(
      'the package webgpu (npm install webgpu; with --global for a global moeq)',
      reasonOf(cause),
    );
  }
  if (flags === defaultFlags) assertVulkan();
  return create([...flags]);
}

/** Dawn computes with Vulkan on Linux, and writes to stderr where it finds none; so that is asked first. */
function assertVulkan(): void {
  if (process.platform !== 'linux') return;
  try {
    process.dlopen({ exports: {} }, vulkanLibrary);
  } catch (error) {
    // a library that is there is no addon of Node
    if (error instanceof Error && error.message.includes('self-register')) return;
    throw noAdapter('a driver for Vulkan', `no ${vulkanLibrary}`);
  }
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const missing = 'code' in cause && cause.code === 'ERR_MODULE_NOT_FOUND';
  return missing && cause.message.includes("'webgpu'") ? 'that it is not installed' : cause.message;
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
