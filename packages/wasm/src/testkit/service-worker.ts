// A service worker that computes: a message with options is answered with what came out.
import { smallRun } from './small-run.js';

interface Scope {
  skipWaiting(): Promise<void>;
  addEventListener(type: 'install' | 'message', listener: (event: MessageEvent) => void): void;
}

const scope = globalThis as unknown as Scope;
scope.addEventListener('install', () => void scope.skipWaiting());
scope.addEventListener('message', ({ data, ports }) => {
  void smallRun(data).then((answer) => ports[0]?.postMessage(answer));
});
