// What can go wrong on a device, typed, so that an application can react: choose another backend, a smaller recipe, or
// load again.
import { type ErrorFacts, isMoeqError, MoeqError } from '@moeq/tensors';

const codes = ['notInstalled', 'noAdapter', 'deviceLost', 'outOfMemory', 'limit', 'validation'] as const;

/**
 * - `notInstalled`: in Node, the package `webgpu` is not there.
 * - `noAdapter`: this machine or browser offers no WebGPU adapter, or not the one that was asked for.
 * - `deviceLost`: the device is gone with everything in its memory. `restart` gives the backend another one, to load into
 *   again; models of @moeq/runtime do so by themselves with the next call.
 * - `outOfMemory`: the device has no room for what was asked.
 * - `limit`: one buffer would be larger than the device allows.
 * - `validation`: the device refused a command or a shader; a defect of this package or of the driver.
 */
export type WebGpuErrorCode = (typeof codes)[number];

export class WebGpuError extends MoeqError {
  override readonly name: string = 'WebGpuError';
  declare readonly code: WebGpuErrorCode;

  constructor(code: WebGpuErrorCode, facts: ErrorFacts) {
    super({ ...facts, code });
  }

  static override isInstance(value: unknown): value is WebGpuError {
    return isMoeqError(value, ...codes);
  }
}

export function deviceLost(operation: string, reason: string): WebGpuError {
  return new WebGpuError('deviceLost', {
    operation,
    subject: 'WebGPU device',
    expected: 'a working device',
    found: `that it was lost with all that was loaded (${reason.trim() || 'no reason given'}); load again after restart(), or take another backend`,
  });
}
