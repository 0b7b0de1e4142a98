// Yields to the event loop once between two steps: a backend that computes in this thread leaves no other moment for new
// requests, aborts, and readers. A macrotask without the delay that timers have.

/** @returns after I/O and messages that waited have been handled */
export function turn(): Promise<void> {
  if (typeof setImmediate === 'function') return new Promise((resolve) => setImmediate(resolve));
  return new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      port1.close();
      resolve();
    };
    port2.postMessage(null);
  });
}
