// The one base of every error that moeq throws on purpose. The marker is a registered symbol, so `isInstance` holds
// across copies of the package and across bundles, where `instanceof` does not.

const marker = Symbol.for('moeq.error');

/**
 * What went wrong, for programs that react to it; most errors have none.
 * - `linkOutside`: a file of a model is a link that leads out of its folder, and links are not allowed.
 * - `notFinite`: a number is NaN or infinite where none may be.
 * - `quantizerFailed`: a quantizer threw, or what it gave is not what it has to give.
 * - `doesNotFit`: by the headers of its files a model needs more memory than the backend can have.
 * - `contextLength`: a prompt has more tokens than the context has room for.
 * - `noAdapter` to `validation` are those of a GPU: `WebGpuErrorCode` of @moeq/webgpu.
 * - `notFound` to `protocol` are those of files on another machine: `HttpErrorCode`.
 */
export type ErrorCode =
  | 'linkOutside'
  | 'notFinite'
  | 'quantizerFailed'
  | 'doesNotFit'
  | 'contextLength'
  | 'noAdapter'
  | 'deviceLost'
  | 'outOfMemory'
  | 'limit'
  | 'validation'
  | 'notFound'
  | 'status'
  | 'changed'
  | 'cut'
  | 'unreachable'
  | 'protocol';

export interface ErrorFacts {
  readonly code?: ErrorCode | undefined;
  /** What was being done, e.g. `read safetensors header`. */
  readonly operation: string;
  /** The file or tensor it was done to. */
  readonly subject: string;
  /** What had to be there. */
  readonly expected: string;
  /** What was there. */
  readonly found: string;
  readonly cause?: unknown;
}

/** One plain sentence: subject, operation, expected, found. Programs read the fields, people read the message. */
export class MoeqError extends Error {
  override readonly name: string = 'MoeqError';
  readonly operation: string;
  readonly subject: string;
  readonly expected: string;
  readonly found: string;
  readonly code: ErrorCode | undefined;
  readonly [marker] = true;

  constructor({ code, operation, subject, expected, found, cause }: ErrorFacts) {
    super(
      `${subject}: cannot ${operation}: expected ${expected}, found ${found}`,
      cause === undefined ? {} : { cause },
    );
    this.code = code;
    this.operation = operation;
    this.subject = subject;
    this.expected = expected;
    this.found = found;
  }

  static isInstance(value: unknown): value is MoeqError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}

/**
 * Text or JSON from a file, cut to a length that fits a sentence and quoted, so that control characters cannot reach a
 * terminal.
 */
export function quote(value: unknown, limit = 60): string {
  const text = typeof value === 'string' ? value : beginning(value, limit);
  return JSON.stringify(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** JSON of a value, at least its first `length` characters: what is nested a million deep is not written to its end. */
function beginning(value: unknown, length: number): string {
  if (typeof value !== 'object' || value === null) {
    return typeof value === 'bigint' ? String(value) : (JSON.stringify(value) ?? String(value));
  }
  const isList = Array.isArray(value);
  let text = isList ? '[' : '{';
  for (const key in value) {
    if (text.length > length) return text;
    const comma = text.length > 1 ? ',' : '';
    const name = isList ? '' : `${JSON.stringify(key)}:`;
    text += comma + name + beginning((value as Record<string, unknown>)[key], length - text.length);
  }
  return text + (isList ? ']' : '}');
}
