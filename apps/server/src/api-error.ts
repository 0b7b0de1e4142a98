// An answer that is no success: a status and OpenAI's error object, `{ error: { message, type, param, code } }`, which
// every OpenAI client turns into its own exception.
import { counted, isMoeqError, MoeqError } from '@moeq/tensors';
import { modelId } from './model-id.js';

export type ErrorStatus = 400 | 401 | 403 | 404 | 405 | 408 | 413 | 415 | 421 | 429 | 500 | 503 | 504;

export interface ApiErrorFacts {
  readonly status: ErrorStatus;
  readonly message: string;
  /** Field of the request, e.g. `messages[0].content`. */
  readonly param?: string | undefined;
  /** For programs. */
  readonly code?: string | undefined;
  readonly headers?: Readonly<Record<string, string>>;
}

/** As OpenAI's own answers have them. */
const types: Readonly<Record<ErrorStatus, string>> = {
  400: 'invalid_request_error',
  401: 'invalid_request_error',
  403: 'permission_error',
  404: 'invalid_request_error',
  405: 'invalid_request_error',
  408: 'timeout_error',
  413: 'invalid_request_error',
  415: 'invalid_request_error',
  421: 'invalid_request_error',
  429: 'rate_limit_error',
  500: 'server_error',
  503: 'server_error',
  504: 'timeout_error',
};

export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: ErrorStatus;
  readonly headers: Readonly<Record<string, string>>;
  readonly #param: string | null;
  readonly #code: string | null;

  constructor({ status, message, param, code, headers = {} }: ApiErrorFacts) {
    super(message);
    this.status = status;
    this.headers = headers;
    this.#param = param ?? null;
    this.#code = code ?? null;
  }

  /** What it was made of, for another thread. */
  get facts(): ApiErrorFacts {
    const { status, message, headers } = this;
    return { status, message, param: this.#param ?? undefined, code: this.#code ?? undefined, headers };
  }

  get body(): object {
    const { status, message } = this;
    return { error: { message, type: types[status], param: this.#param, code: this.#code } };
  }

  get response(): Response {
    return Response.json(this.body, { status: this.status, headers: this.headers });
  }
}

/** A field that is not what it has to be. */
export function badField(param: string, message: string, code?: string): ApiError {
  return new ApiError({ status: 400, message: `${param}: ${message}`, param, code });
}

/** What moeq refuses of a request, in its own words but for paths of this machine; anything else as it is. */
export function refusedBy(error: unknown, param: string, code?: string): unknown {
  if (!MoeqError.isInstance(error)) return error;
  const { subject, operation, expected, found } = error;
  const message = `${modelId(subject)}: cannot ${operation}: expected ${expected}, found ${found}`;
  return new ApiError({ status: 400, message, param, code });
}

/** The queue is full. @param waiting choices in it */
export function busy(waiting: number): ApiError {
  return new ApiError({
    status: 429,
    message: `Too many requests: ${counted(waiting, 'text')} ${waiting === 1 ? 'is' : 'are'} waiting. Try again in a moment.`,
    code: 'queue_full',
    headers: { 'Retry-After': '2' },
  });
}

/** Anything thrown, as an answer: the server's own failures without details. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error;
  // The model is loaded again with the next step.
  if (isMoeqError(error, 'deviceLost')) {
    return new ApiError({
      status: 503,
      message: 'The GPU was lost before the answer was complete. The next request loads the model again.',
      code: 'device_lost',
      headers: { 'Retry-After': '5' },
    });
  }
  if (brokeOff(error)) return new ApiError({ status: 400, message: 'The request broke off.' });
  return new ApiError({ status: 500, message: 'The server failed to compute an answer.' });
}

/** Node's error for a client that leaves while it sends. */
function brokeOff(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET';
}
