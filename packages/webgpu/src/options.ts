// What can be chosen when a backend is made. An unknown key or value is an error.
import { checkOptions, checks, type OptionChecks } from '@moeq/tensors';
import type { Gpu, GpuAdapter, GpuDevice } from './gpu-objects.js';
import type { WgslFormats } from './wgsl/custom-format.js';
import { validateFormats } from './wgsl/custom-format.js';

export interface WebGpuOptions {
  /** Where adapters come from; `navigator.gpu` unless given. */
  readonly gpu?: Gpu;
  /** An adapter of yours; its limits and features are asked for. */
  readonly adapter?: GpuAdapter;
  /** A device of yours, used as it is and left alive by `destroy`. */
  readonly device?: GpuDevice;
  readonly powerPreference?: 'low-power' | 'high-performance';
  /** false: refuse an adapter that computes on the CPU. Default true. */
  readonly software?: boolean;
  /** Features to use where the device has them; all by default. */
  readonly features?: { readonly subgroups?: boolean };
  /** WGSL for formats that no layout describes, by the name of the format. */
  readonly formats?: WgslFormats;
  /** How keys and values are kept; `f32` unless given, `f16` halves their memory. */
  readonly kvCache?: 'f32' | 'f16';
}

const known: OptionChecks<WebGpuOptions> = {
  gpu: checks.objectWith('a GPU', 'requestAdapter'),
  adapter: checks.objectWith('an adapter', 'requestDevice'),
  device: checks.objectWith('a device', 'queue'),
  powerPreference: checks.oneOf('low-power', 'high-performance'),
  software: checks.flag,
  features: checks.anything,
  formats: checks.objectWith('WGSL formats by name'),
  kvCache: checks.oneOf('f32', 'f16'),
};

/** @throws MoeqError at the first key or value that is not known */
export function checkWebGpuOptions(options: WebGpuOptions): void {
  const operation = 'start the WebGPU backend';
  checkOptions(operation, options, known);
  const { features = {}, formats = {} } = options;
  checkOptions(operation, features, { subgroups: checks.flag }, 'features');
  validateFormats(formats);
}
