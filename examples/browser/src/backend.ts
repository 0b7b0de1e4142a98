// What computes: WebGPU on a GPU, else WebAssembly, and sentences on what this page lacks for either.
import type { Backend } from '@moeq/kernels';
import { isMoeqError } from '@moeq/tensors';
import { wasmBackend } from '@moeq/wasm';
import { webgpuBackend } from '@moeq/webgpu';

/** `auto` takes WebGPU where there is a GPU; `webgpu` takes an adapter that computes on the CPU, too. */
export type BackendChoice = 'auto' | 'webgpu' | 'wasm';

export interface OpenedBackend {
  readonly backend: Backend;
  /** Why it is not the one that `auto` hopes for. */
  readonly notice: string | null;
}

/** @throws WebGpuError where WebGPU was asked for and there is none */
export async function openBackend(choice: BackendChoice): Promise<OpenedBackend> {
  if (choice === 'wasm') return { backend: await openWasm(), notice: null };
  try {
    return { backend: await webgpuBackend({ software: choice === 'webgpu' }), notice: null };
  } catch (error) {
    const missing = isMoeqError(error, 'noAdapter');
    if (choice === 'webgpu' || !missing) throw error;
    const notice = hasWebGpu() ? `WebGPU finds no GPU (${error.found}), so WebAssembly computes.` : null;
    return { backend: await openWasm(), notice };
  }
}

/** What the page says from the start on. */
export function environmentNotices(): string[] {
  const notices: string[] = [];
  if (!isSecureContext) notices.push('WebGPU and threads are off: they need HTTPS, or localhost.');
  else if (!hasWebGpu()) notices.push('This browser has no WebGPU, so WebAssembly computes.');
  if (isSecureContext && !crossOriginIsolated) {
    notices.push(
      'Threads are off: this page is not cross-origin isolated (its server sends no COOP and COEP headers).',
    );
  }
  return notices;
}

function hasWebGpu(): boolean {
  return (navigator.gpu as GPU | undefined) !== undefined;
}

/** Says nothing itself where it has one thread only: `environmentNotices` has. */
function openWasm(): Promise<Backend> {
  return wasmBackend({ onNotice: () => {} });
}
