// The one base of every error that moeq throws on purpose. The marker is a registered symbol, so `isInstance` holds
// across copies of the package and across bundles, where `instanceof` does not.

const marker = Symbol.for('moeq.error');

export interface ErrorFacts {
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
  readonly [marker] = true;

  constructor({ operation, subject, expected, found, cause }: ErrorFacts) {
    super(
      `${subject}: cannot ${operation}: expected ${expected}, found ${found}`,
      cause === undefined ? {} : { cause },
    );
    this.operation = operation;
    this.subject = subject;
    this.expected = expected;
    this.found = found;
  }

  static isInstance(value: unknown): value is MoeqError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}

/** Text from a file, cut to a length that fits a sentence and quoted, so that control characters cannot reach a terminal. */
export function quote(value: unknown, limit = 60): string {
  const text = typeof value === 'string' ? value : (JSON.stringify(value) ?? String(value));
  return JSON.stringify(text.length > limit ? `${text.slice(0, limit)}…` : text);
}
