// WebGPU in browsers, or wherever a GPU object is at hand; `@moeq/webgpu/node` brings one to Node.
export type { WgslFormat } from '@moeq/tensors';
export { webgpuBackend } from './backend.js';
export type { WebGpuBackend, WebGpuStats } from './contract.js';
export type { AdapterInfo } from './device/adapter-info.js';
export { isSoftwareAdapter } from './device/adapter-info.js';
export type { WebGpuErrorCode } from './errors.js';
export { WebGpuError } from './errors.js';
export type { Gpu, GpuAdapter, GpuDevice } from './gpu-objects.js';
export type { WebGpuOptions } from './options.js';
export type { WgslFormats } from './weights/custom.js';
