// The script of all worker threads: messages of two kinds, to compute and to quantize; a host sends those of one.
import type { FromWorker as FromQuantize, ToWorker as ToQuantize } from '../quantize/messages.js';
import { serveQuantize } from '../quantize/serve.js';
import type { FromWorker, ToWorker } from '../team/messages.js';
import { serveHost } from '../team/port.js';
import { serveCompute } from './serve.js';

serveHost<ToWorker | ToQuantize, FromWorker | FromQuantize>((post) => {
  const compute = serveCompute(post);
  const quantize = serveQuantize(post);
  return (message) => {
    if (message.kind === 'startQuantizing' || message.kind === 'job') quantize(message);
    else compute(message);
  };
});
