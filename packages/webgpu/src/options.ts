// What can be chosen when a backend is made. An unknown key or value is an error.
import { MoeqError, quote } from '@moeq/tensors';
import type { Gpu, GpuAdapter, GpuDevice } from './gpu-objects.js';
import type { WgslFormats } from './weights/custom.js';
import { validateFormats } from './weights/custom.js';

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

const optionKeys = [
  'gpu',
  'adapter',
  'device',
  'powerPreference',
  'software',
  'features',
  'formats',
  'kvCache',
];
const featureKeys = ['subgroups'];

/** @throws MoeqError at the first key or value that is not known */
export function validateOptions(options: WebGpuOptions): void {
  const check = (holds: boolean, expected: string, found: unknown): void => {
    if (!holds)
      throw new MoeqError({ operation: 'start', subject: 'WebGPU options', expected, found: quote(found) });
  };
  for (const key of Object.keys(options))
    check(optionKeys.includes(key), `options of ${optionKeys.join(', ')}`, key);
  const { powerPreference, software, features = {}, formats = {}, kvCache } = options;
  validateFormats(formats);
  const preferences = [undefined, 'low-power', 'high-performance'];
  check(
    preferences.includes(powerPreference),
    'powerPreference low-power or high-performance',
    powerPreference,
  );
  check([undefined, true, false].includes(software), 'software true or false', software);
  for (const key of Object.keys(features))
    check(featureKeys.includes(key), `features of ${featureKeys.join(', ')}`, key);
  check(
    [undefined, true, false].includes(features.subgroups),
    'features.subgroups true or false',
    features.subgroups,
  );
  check([undefined, 'f32', 'f16'].includes(kvCache), 'kvCache f32 or f16', kvCache);
}
