// What a page with a Content-Security-Policy calls; and the same in a service worker that it starts.
import { type SmallRun, smallRun } from './small-run.js';

export { smallRun };

/** @param url of a service worker that imports service-worker.ts */
export async function runInServiceWorker(url: string, options: object): Promise<SmallRun | string> {
  await navigator.serviceWorker.register(url, { type: 'module' });
  const { active } = await navigator.serviceWorker.ready;
  const { port1, port2 } = new MessageChannel();
  const answer = new Promise<SmallRun | string>((resolve) => {
    port1.onmessage = ({ data }) => resolve(data);
  });
  active?.postMessage(options, [port2]);
  return answer;
}
