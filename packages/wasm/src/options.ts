// The options of the backend, checked.
import { MoeqError, quote } from '@moeq/tensors';
import type { SimdLevel } from './kernel-module.js';
import { hasRelaxedSimd } from './kernel-module.js';
import { defaultThreads } from './threads.js';

export interface WasmOptions {
  /** Worker threads that compute; the number of physical cores unless given. One where memory cannot be shared. */
  readonly threads?: number;
  /** Which instructions: `auto` (the default) takes relaxed SIMD where the engine has it. Results are the same. */
  readonly simd?: 'auto' | SimdLevel;
  /** Told once when fewer threads than asked for can run; `console.warn` unless given. */
  readonly onNotice?: (notice: string) => void;
}

export interface WasmSettings {
  readonly threads: number;
  readonly simd: SimdLevel;
  /** Memory that threads share, which a page must be cross-origin isolated for. */
  readonly shared: boolean;
  readonly notice: string | null;
}

const names: readonly (keyof WasmOptions)[] = ['threads', 'simd', 'onNotice'];

/** Most that a caller may ask for; each holds up to 4 GiB of addresses. */
const maxThreads = 256;

/** @throws MoeqError for an unknown option, a number of threads that is none, or SIMD that the engine lacks */
export function readOptions(options: WasmOptions): WasmSettings {
  const fail = (subject: string, expected: string, found: string): never => {
    throw new MoeqError({ operation: 'start the WebAssembly backend', subject, expected, found });
  };
  const unknown = Object.keys(options).find((key) => !names.some((name) => name === key));
  if (unknown !== undefined)
    fail(`option ${quote(unknown)}`, `one of ${names.join(', ')}`, 'an unknown name');
  const { threads, simd = 'auto' } = options;
  if (threads !== undefined && !(Number.isSafeInteger(threads) && threads >= 1 && threads <= maxThreads))
    fail('option threads', `a whole number from 1 to ${maxThreads}`, `${threads}`);
  if (!['auto', 'relaxed', 'plain'].includes(simd))
    fail('option simd', 'auto, relaxed or plain', quote(simd));
  const relaxed = hasRelaxedSimd();
  if (simd === 'relaxed' && !relaxed) fail('option simd', 'an engine with relaxed SIMD', 'one without');

  const shared = canShareMemory();
  const notice =
    shared || threads === 1
      ? null
      : 'one thread only: this page is not cross-origin isolated (it needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)';
  return {
    threads: shared ? (threads ?? defaultThreads()) : 1,
    simd: simd === 'auto' ? (relaxed ? 'relaxed' : 'plain') : simd,
    shared,
    notice,
  };
}

function canShareMemory(): boolean {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  return typeof SharedArrayBuffer !== 'undefined' && crossOriginIsolated !== false;
}
