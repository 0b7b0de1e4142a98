// WebGPU in browsers, or wherever there is a GPU object; `@moeq/webgpu/node` makes one in Node.
export type { WgslFormat } from '@moeq/tensors';
export { webgpuBackend } from './backend.js';
export type { WebGpuBackend, WebGpuStats } from './contract.js';
export type { AdapterInfo } from './device/adapter-info.js';
export { isSoftwareAdapter } from './device/adapter-info.js';
export type { WebGpuErrorCode } from './errors.js';
export { WebGpuError } from './errors.js';
export type { Gpu, GpuAdapter, GpuDevice } from './gpu-objects.js';
export type { WebGpuOptions } from './options.js';
export type { WgslFormats } from './wgsl/custom-format.js';
