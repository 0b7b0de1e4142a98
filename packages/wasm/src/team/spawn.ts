// Starts a worker: from the embedded script or from a URL; in browsers and Bun as a module worker, in Node, which has no global
// Worker, and in Deno by node:worker_threads; or none, where the calling thread does the work itself.
import { workerScript } from '../generated/worker-script.js';
import { failureError, startError } from './errors.js';
import type { WorkerLink } from './link.js';
import type { Serve } from './port.js';
import { runHere } from './run-here.js';

/** `embedded`, the URL of the script, or `none`: no worker, the calling thread works. */
export type WorkerSource = 'embedded' | 'none' | { readonly url: string | URL };

/** The part of Node that is used, found by feature, so that bundles for browsers hold no `node:` import. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): typeof import('node:worker_threads');
}

function nodeThreads(): typeof import('node:worker_threads') | undefined {
  const { process } = globalThis as { process?: NodeProcess };
  return process?.getBuiltinModule?.('node:worker_threads');
}

/** Whether this engine has workers at all: service workers have none. */
export function hasWorkers(): boolean {
  return typeof Worker !== 'undefined' || nodeThreads() !== undefined;
}

/**
 * @param name for people who look at threads
 * @param serve what the script does for the first message that it gets, for the calling thread
 */
export function spawnWorker<ToWorker, FromWorker>(
  source: WorkerSource,
  name: string,
  serve: Serve<ToWorker, FromWorker>,
): WorkerLink<ToWorker, FromWorker> {
  if (source === 'none') return runHere(serve);
  const threads = nodeThreads();
  // Deno has both kinds, and the process ends only beside those of Node
  const isDeno = 'Deno' in globalThis && threads !== undefined;
  if (typeof Worker !== 'undefined' && !(isDeno && source === 'embedded'))
    return spawnWebWorker(source, name);
  const url = source === 'embedded' ? null : source.url;
  if (threads === undefined) throw startError(url, 'there are no workers');
  const worker = new threads.Worker(url === null ? workerScript : asUrl(url), { eval: url === null, name });
  let error = (reason: string) => startError(url, reason);
  worker.unref();
  worker.once('message', () => {
    error = failureError;
  });
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => void worker.on('message', listener),
    onError: (listener) => void worker.on('error', (reason) => listener(error(String(reason)))),
    keepAlive: (alive) => (alive ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

/** Node takes paths as texts, and URLs as objects. */
const asUrl = (url: string | URL): string | URL =>
  typeof url === 'string' && URL.canParse(url) ? new URL(url) : url;

/** Bun's workers hold the process open unless they are let go. */
type Held = Worker & { ref?(): void; unref?(): void };

function spawnWebWorker<ToWorker, FromWorker>(
  source: Exclude<WorkerSource, 'none'>,
  name: string,
): WorkerLink<ToWorker, FromWorker> {
  const url = source === 'embedded' ? null : source.url;
  const blob =
    url === null ? URL.createObjectURL(new Blob([workerScript], { type: 'text/javascript' })) : null;
  let worker: Held;
  try {
    worker = new Worker(blob ?? (url as string | URL), { name, type: 'module' });
  } catch (reason) {
    throw startError(url, String(reason));
  }
  let error = (reason: string) => startError(url, reason);
  const started = (): void => {
    error = failureError;
    if (blob !== null) URL.revokeObjectURL(blob);
  };
  worker.addEventListener('message', started, { once: true });
  worker.unref?.();
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) =>
      worker.addEventListener('message', (event: MessageEvent<FromWorker>) => listener(event.data)),
    onError: (listener) =>
      worker.addEventListener('error', (event) => {
        event.preventDefault();
        listener(error(reasonOf(event)));
      }),
    keepAlive: (alive) => (alive ? worker.ref?.() : worker.unref?.()),
    terminate: async () => worker.terminate(),
  };
}

/** Engines give no reason for a script that they do not load. */
function reasonOf({ error, message }: Partial<ErrorEvent>): string {
  return error === undefined || error === null ? (message ?? '') : String(error);
}
