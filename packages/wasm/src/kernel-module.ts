// The compiled kernels: chosen by what the engine can do, made to import a shared memory where threads are to share it.
import { MoeqError } from '@moeq/tensors';
import { plainKernels, relaxedKernels } from './generated/kernels.js';
import type { SimdLevel } from './simd-level.js';

export type { SimdLevel };

/** (func (result v128) (i8x16.relaxed_swizzle (v128.const 0) (v128.const 0))), in short: valid where relaxed SIMD is. */
const relaxedProbe = Uint8Array.of(
  ...[0, 97, 115, 109, 1, 0, 0, 0], // magic, version
  ...[1, 5, 1, 96, 0, 1, 123], // type: () -> v128
  ...[3, 2, 1, 0], // function 0 of type 0
  ...[10, 15, 1, 13, 0, 65, 1, 253, 15, 65, 2, 253, 15, 253, 128, 2, 11], // two splats, i8x16.relaxed_swizzle
);

export function hasRelaxedSimd(): boolean {
  return WebAssembly.validate(relaxedProbe);
}

/** `env`, `memory`, memory import, limits with a maximum: the byte after is 1, and 3 for a shared memory. */
const memoryImport = Uint8Array.of(3, 101, 110, 118, 6, 109, 101, 109, 111, 114, 121, 2);

/** @param shared whether the memory that it imports is shared */
export function compileKernels(simd: SimdLevel, shared: boolean): Promise<WebAssembly.Module> {
  return compileBase64(simd === 'relaxed' ? relaxedKernels : plainKernels, shared);
}

/**
 * @param base64 of a module that imports its memory as `env.memory`
 * @throws MoeqError when the engine cannot or may not compile it
 */
export async function compileBase64(base64: string, shared: boolean): Promise<WebAssembly.Module> {
  const binary = bytesOf(base64);
  if (shared) {
    const at = binary.findIndex((_, start) => memoryImport.every((byte, i) => binary[start + i] === byte));
    if (at < 0) {
      throw new MoeqError({
        operation: 'compile the kernels',
        subject: 'WebAssembly',
        expected: 'a module that imports its memory as env.memory, with a maximum',
        found: 'no such import',
      });
    }
    binary[at + memoryImport.length] = 3;
  }
  try {
    return await WebAssembly.compile(binary);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new MoeqError({
      operation: 'compile the kernels',
      subject: 'WebAssembly',
      expected: WebAssembly.validate(binary)
        ? "that it may be compiled (a Content-Security-Policy has to allow it: script-src 'wasm-unsafe-eval')"
        : `an engine with SIMD${shared ? ' and threads' : ''}`,
      found: reason,
      cause,
    });
  }
}

/** By index: an iterator over the characters takes longer than the engine takes to compile what they say. */
function bytesOf(base64: string): Uint8Array<ArrayBuffer> {
  const characters = atob(base64);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  return bytes;
}
