// A worker that is none: messages are served on the calling thread, one a task, which yields to the event loop in between.
import type { WorkerLink } from './link.js';
import type { Serve } from './port.js';

/** Yields to the events that wait already, then runs a task. Timers would take milliseconds in browsers. */
function yieldThen(task: () => void): void {
  const { setImmediate } = globalThis as { setImmediate?: (task: () => void) => void };
  if (setImmediate !== undefined) {
    setImmediate(task);
    return;
  }
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    task();
  };
  port2.postMessage(null);
}

export function runHere<ToWorker, FromWorker>(
  serve: Serve<ToWorker, FromWorker>,
): WorkerLink<ToWorker, FromWorker> {
  let listen: (message: FromWorker) => void = () => {};
  let receive: ((message: ToWorker) => void) | null = serve((message) => listen(message));
  const waiting: ToWorker[] = [];
  const serveNext = (): void => {
    const message = waiting.shift();
    if (message !== undefined) receive?.(message);
  };
  return {
    post(message) {
      waiting.push(message);
      yieldThen(serveNext);
    },
    onMessage(listener) {
      listen = listener;
    },
    // what fails here is thrown to who serves it, and reported as a message
    onError: () => {},
    keepAlive: () => {},
    async terminate() {
      waiting.length = 0;
      receive = null;
    },
  };
}
