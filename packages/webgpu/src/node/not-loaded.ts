// Why the package `webgpu` was not imported: it is not installed, or does not run on this system.
import { noWebGpu } from '../device/adapter.js';
import type { WebGpuError } from '../errors.js';

/** @param cause what its import threw */
export function notLoaded(cause: unknown): WebGpuError {
  const expected = 'the package webgpu';
  const reason = cause instanceof Error ? cause.message : String(cause);
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  const missing = code === 'ERR_MODULE_NOT_FOUND' && reason.includes("'webgpu'");
  return missing
    ? noWebGpu('notInstalled', expected, 'that it is not installed', cause)
    : noWebGpu('noAdapter', expected, reason, cause);
}
