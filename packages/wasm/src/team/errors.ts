// What goes wrong in workers, as errors of the host.
import { MoeqError } from '@moeq/tensors';
import type { Failure } from './messages.js';

/** The error that a worker's failure is to the caller. */
export function failureError(failure: Failure): MoeqError {
  if (typeof failure !== 'string') return new MoeqError(failure);
  return new MoeqError({
    operation: 'run a program',
    subject: 'worker thread',
    expected: 'its end',
    found: failure,
  });
}

/**
 * The error of a worker that did not start.
 * @param url of its script; null: the embedded one
 * @param reason what the engine says, which in browsers is nothing
 */
export function startError(url: string | URL | null, reason: string): MoeqError {
  const policy =
    url === null
      ? 'a Content-Security-Policy has to allow the embedded script (worker-src blob:), or option workerUrl name a copy of @moeq/wasm/worker that it allows'
      : 'the script has to be there, as JavaScript, from the origin of the page, allowed by worker-src of a Content-Security-Policy, and on a page that is cross-origin isolated with the header Cross-Origin-Embedder-Policy: require-corp';
  return new MoeqError({
    operation: 'start a worker thread',
    subject: url === null ? 'the embedded worker' : `${url}`,
    expected: 'a worker that runs',
    found: `that the engine refuses it${reason === '' ? '' : ` (${reason})`}: ${policy}`,
  });
}
