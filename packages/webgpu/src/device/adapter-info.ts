// What an adapter says of itself.

/** What this package asks of an adapter: fields of GPUAdapterInfo, whose texts may be empty. */
export interface AdapterInfo {
  readonly vendor: string;
  readonly architecture: string;
  readonly device: string;
  readonly description: string;
  readonly isFallbackAdapter?: boolean;
}

/** Names under which CPUs pretend to be GPUs. */
const softwareNames = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b|software/i;

/** Whether an adapter computes on the CPU; the other backends are faster there. */
export function isSoftwareAdapter(info: AdapterInfo): boolean {
  const names = [info.vendor, info.architecture, info.device, info.description].join(' ');
  return info.isFallbackAdapter === true || softwareNames.test(names);
}

/** The adapter for people: `nvidia ampere, NVIDIA GeForce RTX 3060`. */
export function adapterName(info: AdapterInfo): string {
  const family = [info.vendor, info.architecture].filter((part) => part !== '').join(' ');
  const name = info.description || info.device;
  return [family, name].filter((part) => part !== '').join(', ') || 'unnamed adapter';
}
