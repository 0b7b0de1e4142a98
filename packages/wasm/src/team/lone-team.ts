// One worker with a memory of its own, for pages without SharedArrayBuffer, or the calling thread where there are no workers.
// All requests are messages, and they arrive in order, so a program finds what was written before it.
import { compileKernels, type SimdLevel } from '../kernel-module.js';
import { serveCompute } from '../worker/serve.js';
import { Deferred } from './deferred.js';
import { failureError } from './errors.js';
import type { FromWorker, ToWorker } from './messages.js';
import { spawnWorker, type WorkerSource } from './spawn.js';
import type { Team } from './team.js';

const initialPages = 1;
const maximumPages = 65536;

export async function loneTeam(simd: SimdLevel, worker: WorkerSource): Promise<Team> {
  const module = await compileKernels(simd, false);
  const link = spawnWorker<ToWorker, FromWorker>(worker, 'moeq', serveCompute);
  /** Replies that are not there yet; they come in the order of the requests. */
  const waiting: Deferred<FromWorker>[] = [];
  /** A failure of a request that has no reply; the next reply is this. */
  let failure: unknown = null;

  link.onMessage((message) => {
    if (message.kind === 'failed') {
      failure ??= failureError(message.failure);
      return;
    }
    const reply = waiting.shift();
    if (failure === null) reply?.resolve(message);
    else reply?.reject(failure);
    failure = null;
  });
  link.onError((error) => {
    for (const reply of waiting.splice(0)) reply.reject(error);
  });

  const request = async (send: () => void): Promise<FromWorker> => {
    const reply = new Deferred<FromWorker>();
    waiting.push(reply);
    const end = reply.wait();
    link.keepAlive(true);
    try {
      send();
      return await end;
    } finally {
      if (waiting.length === 0) link.keepAlive(false);
    }
  };

  await request(() =>
    link.post({ kind: 'start', module, thread: 0, memories: null, sync: null, initialPages, maximumPages }),
  );

  return {
    threads: 1,
    maximumPages,
    grow: (pages) => link.post({ kind: 'grow', pages }),
    write(_thread, address, data) {
      const bytes = data.slice();
      link.post({ kind: 'write', address, bytes }, [bytes.buffer]);
    },
    settle: async () => {
      await request(() => link.post({ kind: 'settle' }));
    },
    run: async (address, length) => {
      await request(() => link.post({ kind: 'run', address, length }));
    },
    read: async (address, length) => {
      const message = await request(() => link.post({ kind: 'read', address, length }));
      return message.kind === 'values' ? message.values : new Float32Array(length);
    },
    stop: () => link.terminate(),
  };
}
