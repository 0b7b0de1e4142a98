// Starts a worker from the embedded script, in browsers (and Deno and Bun) and in Node, which has no global Worker.

export interface WorkerLink<ToWorker, FromWorker> {
  post(message: ToWorker, transfer?: readonly ArrayBuffer[]): void;
  onMessage(listener: (message: FromWorker) => void): void;
  onError(listener: (error: unknown) => void): void;
  /** Whether the worker holds the process open; of no effect in browsers. */
  hold(held: boolean): void;
  terminate(): Promise<void>;
}

/** The part of Node that is used, found by feature, so that bundles for browsers hold no `node:` import. */
interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): typeof import('node:worker_threads');
}

/**
 * @param script a classic script
 * @param name for people who look at threads
 */
export function spawnWorker<ToWorker, FromWorker>(
  script: string,
  name: string,
): WorkerLink<ToWorker, FromWorker> {
  if (typeof Worker !== 'undefined') return spawnWebWorker(script, name);
  const { process } = globalThis as { process?: NodeProcess };
  const threads = process?.getBuiltinModule?.('node:worker_threads');
  if (threads === undefined) throw new Error('this engine has neither Worker nor node:worker_threads');
  const worker = new threads.Worker(script, { eval: true, name });
  worker.unref();
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) => void worker.on('message', listener),
    onError: (listener) => void worker.on('error', listener),
    hold: (held) => (held ? worker.ref() : worker.unref()),
    terminate: async () => {
      await worker.terminate();
    },
  };
}

function spawnWebWorker<ToWorker, FromWorker>(
  script: string,
  name: string,
): WorkerLink<ToWorker, FromWorker> {
  const url = URL.createObjectURL(new Blob([script], { type: 'text/javascript' }));
  const worker = new Worker(url, { name });
  return {
    post: (message, transfer = []) => worker.postMessage(message, [...transfer]),
    onMessage: (listener) =>
      worker.addEventListener('message', (event: MessageEvent<FromWorker>) => {
        URL.revokeObjectURL(url);
        listener(event.data);
      }),
    onError: (listener) =>
      worker.addEventListener('error', (event) => listener(event.error ?? event.message)),
    hold: () => {},
    terminate: async () => worker.terminate(),
  };
}
