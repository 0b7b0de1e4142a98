// One worker with a memory of its own, for pages without SharedArrayBuffer, or the calling thread where there are no workers:
// everything goes by message. Messages arrive
// in order, so a program finds what was written before it.
import { compileKernels, type SimdLevel } from '../kernel-module.js';
import { serveCompute } from '../worker/serve.js';
import type { FromWorker, ToWorker } from './messages.js';
import { failureError, Outcome } from './outcome.js';
import { spawnWorker, type WorkerSource } from './spawn.js';
import type { Team } from './team.js';

const initialPages = 1;
const maximumPages = 65536;

export async function loneTeam(simd: SimdLevel, worker: WorkerSource): Promise<Team> {
  const module = await compileKernels(simd, false);
  const link = spawnWorker<ToWorker, FromWorker>(worker, 'moeq', serveCompute);
  /** Who waits for an answer; answers come in the order of the questions. */
  const waiting: Outcome<FromWorker>[] = [];
  /** A failure of an order whose answer is not awaited; the next answer is this. */
  let failure: unknown = null;

  link.onMessage((message) => {
    if (message.kind === 'failed') {
      failure ??= failureError(message.failure);
      return;
    }
    const outcome = waiting.shift();
    if (failure === null) outcome?.resolve(message);
    else outcome?.reject(failure);
    failure = null;
  });
  link.onError((error) => {
    for (const outcome of waiting.splice(0)) outcome.reject(error);
  });

  const answer = async (send: () => void): Promise<FromWorker> => {
    const outcome = new Outcome<FromWorker>();
    waiting.push(outcome);
    const end = outcome.wait();
    link.hold(true);
    try {
      send();
      return await end;
    } finally {
      if (waiting.length === 0) link.hold(false);
    }
  };

  await answer(() =>
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
      await answer(() => link.post({ kind: 'settle' }));
    },
    run: async (address, length) => {
      await answer(() => link.post({ kind: 'run', address, length }));
    },
    read: async (address, length) => {
      const message = await answer(() => link.post({ kind: 'read', address, length }));
      return message.kind === 'values' ? message.values : new Float32Array(length);
    },
    stop: () => link.terminate(),
  };
}
