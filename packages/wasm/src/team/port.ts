// The worker's side of the wire, and the scripts that can be at it: functions, so that they run on the calling thread as well.

export type Post<Message> = (message: Message, transfer?: readonly ArrayBuffer[]) => void;

/** Takes one message after the other, and answers by `post`. */
export type Serve<ToWorker, FromWorker> = (post: Post<FromWorker>) => (message: ToWorker) => void;

interface NodeProcess {
  getBuiltinModule?(name: 'node:worker_threads'): typeof import('node:worker_threads');
}

/** Listens to the host of the worker thread that this runs in. */
export function serveHost<ToWorker, FromWorker>(serve: Serve<ToWorker, FromWorker>): void {
  const { process, WorkerGlobalScope } = globalThis as {
    process?: NodeProcess;
    WorkerGlobalScope?: unknown;
  };
  // Deno and Bun have both kinds of workers
  const isWebWorker = WorkerGlobalScope !== undefined;
  const parent = isWebWorker ? null : process?.getBuiltinModule?.('node:worker_threads').parentPort;
  if (parent) {
    parent.on(
      'message',
      serve((message, transfer = []) => parent.postMessage(message, [...transfer])),
    );
    return;
  }
  const scope = globalThis as unknown as Worker;
  const receive = serve((message, transfer = []) => scope.postMessage(message, [...transfer]));
  scope.addEventListener('message', (event: MessageEvent<ToWorker>) => receive(event.data));
}
