// The options of the backend, checked.
import { checkOptions, checks, MoeqError, type OptionChecks, optionError, quote } from '@moeq/tensors';
import { hasRelaxedSimd } from './kernel-module.js';
import type { SimdLevel } from './simd-level.js';
import { hasWorkers, type WorkerSource } from './team/spawn.js';
import { defaultThreads } from './threads.js';

export interface WasmOptions {
  /** Worker threads that compute; the number of physical cores unless given. One where memory cannot be shared. */
  readonly threads?: number;
  /** Which instructions: `auto` (the default) takes relaxed SIMD where the engine has it. Results are the same. */
  readonly simd?: 'auto' | SimdLevel;
  /**
   * Where the workers' script is, a copy of `@moeq/wasm/worker` that the page's origin serves: for a Content-Security-Policy
   * that does not allow workers from `blob:`. The embedded script unless given.
   */
  readonly workerUrl?: string | URL;
  /**
   * `false`: no workers; the calling thread computes by itself, and is blocked while it does. So it is also where there are
   * none, as in service workers, with a notice.
   */
  readonly workers?: boolean;
  /** Called once when fewer threads than asked for can run, or no worker; `console.warn` unless given. */
  readonly onNotice?: (notice: string) => void;
}

export interface WasmSettings {
  readonly threads: number;
  readonly simd: SimdLevel;
  /** Memory that threads share, which a page must be cross-origin isolated for. */
  readonly shared: boolean;
  readonly worker: WorkerSource;
  readonly notice: string | null;
}

/** What threads are started with; the embedded script unless another is named. */
export type StartSettings = Pick<WasmSettings, 'threads' | 'simd' | 'shared'> &
  Partial<Pick<WasmSettings, 'worker'>>;

/** Most that a caller may ask for; each holds up to 4 GiB of addresses. */
const maxThreads = 256;

const known: OptionChecks<WasmOptions> = {
  threads: checks.integer({ min: 1, max: maxThreads }),
  simd: checks.oneOf('auto', 'relaxed', 'plain'),
  workerUrl: {
    expected: 'a URL',
    holds: (value) => typeof value === 'string' || value instanceof URL,
  },
  workers: checks.flag,
  onNotice: checks.callback,
};

/** @throws MoeqError for an unknown option, a number of threads that is none, or SIMD that the engine lacks */
export function readOptions(options: WasmOptions): WasmSettings {
  const operation = 'start the WebAssembly backend';
  checkOptions(operation, options, known);
  const { threads, simd = 'auto', workerUrl, workers = true } = options;
  const fail = (subject: string, expected: string, found: string): never => {
    throw optionError(operation, subject, expected, found);
  };
  if (!workers && workerUrl !== undefined) fail('option workerUrl', 'none without workers', quote(workerUrl));
  if (!workers && threads !== undefined && threads > 1)
    fail('option threads', '1 without workers', `${threads}`);
  if (typeof WebAssembly === 'undefined') {
    throw new MoeqError({ operation, subject: 'this engine', expected: 'WebAssembly', found: 'none' });
  }
  const relaxed = hasRelaxedSimd();
  if (simd === 'relaxed' && !relaxed) fail('option simd', 'an engine with relaxed SIMD', 'one without');

  const worker =
    !workers || !hasWorkers() ? 'none' : workerUrl === undefined ? 'embedded' : { url: workerUrl };
  const shared = worker !== 'none' && canShareMemory();
  return {
    threads: shared ? (threads ?? defaultThreads()) : 1,
    simd: simd === 'auto' ? (relaxed ? 'relaxed' : 'plain') : simd,
    shared,
    worker,
    notice: noticeOf({ threads, workers }, worker, shared),
  };
}

/** What is less than was asked for. */
function noticeOf(
  { threads, workers }: { readonly threads: number | undefined; readonly workers: boolean },
  worker: WorkerSource,
  shared: boolean,
): string | null {
  if (worker === 'none')
    return workers
      ? 'one thread only, the calling one, which every step blocks: there are no workers here'
      : null;
  return shared || threads === 1
    ? null
    : 'one thread only: this page is not cross-origin isolated (it needs the headers Cross-Origin-Opener-Policy: same-origin and Cross-Origin-Embedder-Policy: require-corp)';
}

function canShareMemory(): boolean {
  const { crossOriginIsolated } = globalThis as { crossOriginIsolated?: boolean };
  return typeof SharedArrayBuffer !== 'undefined' && crossOriginIsolated !== false;
}
