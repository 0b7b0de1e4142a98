// A worker thread that quantizes: one job after the other, results handed over with their memory.
import { QuantizeEngine } from './engine.js';
import type { FromWorker, Job, Results, ToWorker } from './messages.js';

interface Port {
  postMessage(message: FromWorker, transfer: readonly ArrayBuffer[]): void;
  listen(listener: (message: ToWorker) => void): void;
}

function connect(): Port {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: string) => typeof import('node:worker_threads') };
  };
  const parent = process?.getBuiltinModule?.('node:worker_threads').parentPort;
  if (parent) {
    return {
      postMessage: (message, transfer) => parent.postMessage(message, [...transfer]),
      listen: (listener) => void parent.on('message', listener),
    };
  }
  const scope = globalThis as unknown as Worker;
  return {
    postMessage: (message, transfer) => scope.postMessage(message, [...transfer]),
    listen: (listener) => scope.addEventListener('message', (event) => listener(event.data)),
  };
}

/** The arrays of a result, each with a buffer of its own. */
function buffersOf(result: Results[Job['kind']]): ArrayBuffer[] {
  return Object.values(result ?? {})
    .filter((value) => ArrayBuffer.isView(value))
    .map(({ buffer }) => buffer as ArrayBuffer);
}

/** Gives memory back at once, where the engine can, rather than when it next collects garbage. */
function release(buffer: ArrayBuffer): void {
  buffer.transfer?.(0);
}

const port = connect();
let engine: QuantizeEngine | null = null;

port.listen((message) => {
  if (message.kind === 'start') {
    engine = new QuantizeEngine(message.module);
    return;
  }
  const { id, job } = message;
  try {
    if (engine === null) throw new Error('no kernels yet');
    const result = job.kind === 'strip' ? engine.strip(job) : engine.nest(job);
    release(job.kind === 'strip' ? job.data : job.records.buffer);
    port.postMessage({ kind: 'result', id, result }, buffersOf(result));
  } catch (error) {
    port.postMessage({ kind: 'failed', id, failure: String(error) }, []);
  }
});
