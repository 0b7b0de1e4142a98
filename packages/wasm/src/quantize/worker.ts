// A worker thread that quantizes, one job after the other.
import { QuantizeEngine } from './engine.js';
import type { FromWorker, ToWorker } from './messages.js';

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

const port = connect();
let engine: QuantizeEngine | null = null;

port.listen((message) => {
  if (message.kind === 'start') {
    engine = new QuantizeEngine(message.module, message.memory);
    return;
  }
  const { id, job, room, input } = message;
  try {
    if (engine === null) throw new Error('no kernels yet');
    if (input !== null) engine.fill(job, room, input);
    const answer = engine.run(job, room);
    const results = input === null ? new Uint8Array() : engine.results(job, room);
    port.postMessage({ kind: 'result', id, answer, results }, [results.buffer]);
  } catch (error) {
    port.postMessage({ kind: 'failed', id, failure: String(error) }, []);
  }
});
