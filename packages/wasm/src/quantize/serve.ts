// What a thread that quantizes does: one job after the other.
import type { Serve } from '../team/port.js';
import { QuantizeEngine } from './engine.js';
import type { FromWorker, ToWorker } from './messages.js';

/** Quantizes: first the message `startQuantizing`, then jobs. */
export const serveQuantize: Serve<ToWorker, FromWorker> = (post) => {
  let engine: QuantizeEngine | null = null;
  return (message) => {
    if (message.kind === 'startQuantizing') {
      engine = new QuantizeEngine(message.module, message.memory);
      return;
    }
    const { id, job, workspace, input } = message;
    try {
      if (engine === null) throw new Error('no kernels yet');
      if (input !== null) engine.fill(job, workspace, input);
      const summary = engine.run(job, workspace);
      const results = input === null ? new Uint8Array() : engine.results(job, workspace);
      post({ kind: 'result', id, summary, results }, [results.buffer]);
    } catch (error) {
      post({ kind: 'failed', id, failure: String(error) });
    }
  };
};
