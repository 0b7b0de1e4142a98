// What a thread that computes does. With shared memory it runs programs as the host announces them, for ever; alone it serves
// requests that come as messages.
import { MoeqError } from '@moeq/tensors';
import type { KernelExports } from '../kernel-exports.js';
import type { Failure, FromWorker, ToWorker } from '../team/messages.js';
import { sync as at, maxVictims } from '../team/messages.js';
import type { Post, Serve } from '../team/port.js';
import { Abandoned, abandonBarrier, makeBarrier, noBarrier, waitForProgram } from './barrier.js';
import { Claims } from './claims.js';
import { Machine, Memories } from './machine.js';
import { programRunner } from './run-program.js';

type Start = Extract<ToWorker, { kind: 'start' }>;

function instantiate(module: WebAssembly.Module, memory: WebAssembly.Memory): KernelExports {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  return exports as unknown as KernelExports;
}

/** A MoeqError's facts, or what is known of another error. */
function failureOf(error: unknown): Failure {
  if (MoeqError.isInstance(error)) return error.facts;
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function serveShared({ module, thread, memories, sync }: Start, post: Post<FromWorker>): void {
  if (memories === null || sync === null) return;
  const shared = new Memories(memories);
  const barrier = makeBarrier(sync, memories.length);
  const claims = new Claims(sync, thread);
  const machineFor = (owner: number) => ({
    kernels: instantiate(module, memories[owner] as WebAssembly.Memory),
    thread: owner,
    memories: shared,
    barrier,
  });
  const victims = Array.from(
    { length: Math.min(memories.length - 1, maxVictims) },
    (_, index) => new Machine(machineFor((thread + 1 + index) % memories.length)),
  );
  const machine = new Machine({
    ...machineFor(thread),
    claims: memories.length > 1 ? claims : null,
    victims,
  });
  const runProgram = programRunner(machine);
  let program = Atomics.load(sync, at.program);
  post({ kind: 'ready' });
  for (;;) {
    waitForProgram(sync, program);
    program = Atomics.load(sync, at.program);
    if (Atomics.load(sync, at.stopped) === 1) return;
    try {
      machine.begin();
      runProgram(Atomics.load(sync, at.address) >>> 0, Atomics.load(sync, at.length));
    } catch (error) {
      claims.reset();
      if (!(error instanceof Abandoned) && abandonBarrier(sync)) {
        post({ kind: 'failed', failure: failureOf(error) });
      }
    }
    if (Atomics.add(sync, at.finished, 1) === memories.length - 1) post({ kind: 'done' });
  }
}

function serveAlone(
  { module, initialPages, maximumPages }: Start,
  post: Post<FromWorker>,
): (message: ToWorker) => void {
  const memory = new WebAssembly.Memory({ initial: initialPages, maximum: maximumPages });
  const machine = new Machine({
    kernels: instantiate(module, memory),
    thread: 0,
    memories: new Memories([memory]),
    barrier: noBarrier,
  });
  const runProgram = programRunner(machine);
  post({ kind: 'ready' });
  return (message) => {
    if (message.kind === 'grow') {
      memory.grow(message.pages - memory.buffer.byteLength / 65536);
      machine.begin();
    } else if (message.kind === 'write') {
      new Uint8Array(memory.buffer).set(message.bytes, message.address);
    } else if (message.kind === 'run') {
      runProgram(message.address, message.length);
    } else if (message.kind === 'read') {
      const values = new Float32Array(memory.buffer, message.address, message.length).slice();
      post({ kind: 'values', values }, [values.buffer]);
    }
  };
}

/** Computes: first the message `start`, then the requests of its kind. */
export const serveCompute: Serve<ToWorker, FromWorker> = (post) => {
  let serve: ((message: ToWorker) => void) | null = null;
  return (message) => {
    let failed = false;
    try {
      if (message.kind !== 'start') serve?.(message);
      else if (message.memories === null) serve = serveAlone(message, post);
      else serveShared(message, post);
    } catch (error) {
      failed = true;
      post({ kind: 'failed', failure: failureOf(error) });
    }
    // every request has one reply; `start` and `read` send theirs themselves unless they fail
    const replies = message.kind === 'start' || message.kind === 'read';
    if (message.kind === 'run' || message.kind === 'settle' || (replies && failed)) post({ kind: 'done' });
  };
};
