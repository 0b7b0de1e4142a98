// Finding an adapter and asking it for a device with the limits and features that it has.
import { WebGpuError, type WebGpuErrorCode } from '../errors.js';
import { adapterName, isSoftwareAdapter } from './adapter-info.js';

export interface AdapterRequest {
  readonly gpu: GPU;
  readonly powerPreference: GPUPowerPreference | undefined;
  readonly software: boolean;
}

/** @throws WebGpuError `noAdapter` */
export async function requestAdapter({
  gpu,
  powerPreference,
  software,
}: AdapterRequest): Promise<GPUAdapter> {
  const adapter = await gpu.requestAdapter(powerPreference === undefined ? {} : { powerPreference });
  if (adapter === null) throw noAdapter('an adapter', 'none: no GPU, no driver, or WebGPU is switched off');
  if (!software && isSoftwareAdapter(adapter.info)) {
    throw noAdapter('an adapter that is no software one', adapterName(adapter.info));
  }
  return adapter;
}

export function noWebGpu(
  code: WebGpuErrorCode,
  expected: string,
  found: string,
  cause?: unknown,
): WebGpuError {
  return new WebGpuError(code, { operation: 'start', subject: 'WebGPU', expected, found, cause });
}

export function noAdapter(expected: string, found: string): WebGpuError {
  return noWebGpu('noAdapter', expected, found);
}

/** Limits that more of is better of; everything else stays at its default. */
const wantedLimits = [
  'maxBufferSize',
  'maxStorageBufferBindingSize',
  'maxComputeWorkgroupStorageSize',
  'maxStorageBuffersPerShaderStage',
] as const satisfies (keyof GPUSupportedLimits)[];

/** What a device needs to stay alive: Dawn for Node ends with its GPU object, devices and all. */
const holders = new WeakMap<GPUDevice, GPU>();

/** Keeps `gpu` for as long as the device is in use. */
export function keepAlive(device: GPUDevice, gpu: GPU): GPUDevice {
  holders.set(device, gpu);
  return device;
}

/** A device with the adapter's limits, and with `features` where the adapter has them. */
export async function requestDevice(
  adapter: GPUAdapter,
  features: readonly GPUFeatureName[],
): Promise<GPUDevice> {
  return adapter.requestDevice({
    label: 'moeq',
    requiredFeatures: features.filter((feature) => adapter.features.has(feature)),
    requiredLimits: Object.fromEntries(wantedLimits.map((name) => [name, adapter.limits[name]])),
  });
}
