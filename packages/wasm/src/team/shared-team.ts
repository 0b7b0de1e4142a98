// Threads with shared memories: the host writes weights and programs straight into them, and reads results from them.
// A program is announced by a counter that the workers watch, and its end by one message.
import { compileKernels, type SimdLevel } from '../kernel-module.js';
import { serveCompute } from '../worker/serve.js';
import { Deferred } from './deferred.js';
import { failureError } from './errors.js';
import type { WorkerLink } from './link.js';
import type { Failure, FromWorker, ToWorker } from './messages.js';
import { sync as at } from './messages.js';
import { type SharedMemory, sharedMemory } from './shared-memory.js';
import { spawnWorker, type WorkerSource } from './spawn.js';
import type { Team } from './team.js';

const initialPages = 1;

export async function sharedTeam(threads: number, simd: SimdLevel, worker: WorkerSource): Promise<Team> {
  const module = await compileKernels(simd, true);
  const memories = Array.from({ length: threads }, () => sharedMemory(initialPages));
  const sync = new Int32Array(new SharedArrayBuffer(4 * (at.words + threads * at.wordsOfThread)));
  const reply = new Deferred<void>();
  let failure: Failure | null = null;
  let ended = false;
  let ready = 0;
  const links = Array.from({ length: threads }, () =>
    spawnWorker<ToWorker, FromWorker>(worker, 'moeq', serveCompute),
  );
  let bytes = memories.map(({ memory }) => new Uint8Array(memory.buffer));

  const keepAlive = (alive: boolean): void => {
    for (const link of links) link.keepAlive(alive);
  };
  const receive = (message: FromWorker): void => {
    if (message.kind === 'failed') failure ??= message.failure;
    if (message.kind === 'ready') ready++;
    // before the programs begin, a worker says `done` only where it could not start
    if (message.kind === 'done' || ready === threads) ended = true;
    // messages of different workers may overtake each other: the flag says whether one about a failure is to come
    const expected = Atomics.load(sync, at.failed) === 1;
    if (!ended || (expected && failure === null)) return;
    ended = false;
    ready = 0;
    if (failure === null) reply.resolve();
    else reply.reject(failureError(failure));
    failure = null;
  };
  const start = (link: WorkerLink<ToWorker, FromWorker>, thread: number): void => {
    link.onMessage(receive);
    link.onError((error) => reply.reject(error));
    link.post({
      kind: 'start',
      module,
      thread,
      memories: memories.map(({ memory }) => memory),
      sync,
      initialPages,
      maximumPages: 0,
    });
  };
  const finished = async (end: Promise<void>): Promise<void> => {
    keepAlive(true);
    try {
      await end;
    } finally {
      keepAlive(false);
    }
  };

  const started = reply.wait();
  links.forEach(start);
  // Deno cannot end a worker that waits for a word of memory
  const stop = async (): Promise<void> => {
    Atomics.store(sync, at.stopped, 1);
    Atomics.add(sync, at.program, 1);
    Atomics.notify(sync, at.program);
    await Promise.all(links.map((link) => link.terminate()));
  };
  try {
    await finished(started);
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    threads,
    maximumPages: Math.min(...memories.map(({ maximum }) => maximum)),
    grow(pages) {
      for (const { memory } of memories) memory.grow(pages - memory.buffer.byteLength / 65536);
      bytes = memories.map(({ memory }) => new Uint8Array(memory.buffer));
    },
    write(thread, address, data) {
      bytes[thread]?.set(data, address);
    },
    run(address, length) {
      const end = reply.wait();
      Atomics.store(sync, at.address, address);
      Atomics.store(sync, at.length, length);
      Atomics.store(sync, at.arrived, 0);
      Atomics.store(sync, at.finished, 0);
      Atomics.store(sync, at.failed, 0);
      Atomics.add(sync, at.program, 1);
      Atomics.notify(sync, at.program);
      return finished(end);
    },
    settle: async () => {},
    read: async (address, length) =>
      new Float32Array((memories[0] as SharedMemory).memory.buffer, address, length).slice(),
    stop,
  };
}
