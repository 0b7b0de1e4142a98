// The script of all worker threads: the first message says what a thread is for.
import type { FromWorker as FromQuantize, ToWorker as ToQuantize } from '../quantize/messages.js';
import { serveQuantize } from '../quantize/serve.js';
import type { FromWorker, ToWorker } from '../team/messages.js';
import { serveHost } from '../team/port.js';
import { serveCompute } from './serve.js';

serveHost<ToWorker | ToQuantize, FromWorker | FromQuantize>((post) => {
  let quantize: ((message: ToQuantize) => void) | null = null;
  const compute = serveCompute(post);
  return (message) => {
    if (message.kind === 'startQuantizing') quantize = serveQuantize(post);
    if (quantize === null) compute(message as ToWorker);
    else quantize(message as ToQuantize);
  };
});
