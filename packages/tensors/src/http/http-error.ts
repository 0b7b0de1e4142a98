// What can go wrong with a file on another machine, typed, so that an application can react: look elsewhere, open the file
// again, or retry later.
import { type ErrorFacts, isMoeqError, MoeqError } from '../errors.js';

const codes = ['notFound', 'status', 'changed', 'cut', 'unreachable', 'protocol'] as const;

/**
 * - `notFound`: there is no such file (404, 410, or a web page in its place, as servers of applications send).
 * - `status`: the server refused; `status` says how.
 * - `changed`: the file is another one than when it was opened. Open it again.
 * - `cut`: the file came in part only, however often it was asked for.
 * - `unreachable`: no answer: no network, a wrong name, or a server that does not let this page read it (CORS).
 * - `protocol`: an answer that does not fit the question.
 */
export type HttpErrorCode = (typeof codes)[number];

export class HttpError extends MoeqError {
  override readonly name: string = 'HttpError';
  declare readonly code: HttpErrorCode;
  /** Of the answer, where there was one. */
  readonly status: number | null;

  constructor(code: HttpErrorCode, facts: ErrorFacts, status: number | null = null) {
    super({ ...facts, code });
    this.status = status;
  }

  static override isInstance(value: unknown): value is HttpError {
    return isMoeqError(value, ...codes);
  }
}
