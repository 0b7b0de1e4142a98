// Errors inside a quantizer, which name it: many are written by users, and their faults are not those of the
// program that calls them.
import { isMoeqError, MoeqError, quote } from '@moeq/tensors';

const cut = 500;

/** A quantizer threw, or gave what its contract does not allow. The message names the quantizer and the tensor. */
export class QuantizerError extends MoeqError {
  override readonly name: string = 'QuantizerError';
  /** Name of the quantizer. */
  readonly quantizer: string;

  /**
   * @param quantizer its name
   * @param subject the tensor
   */
  constructor(
    quantizer: string,
    subject: string,
    facts: { readonly operation: string; readonly expected: string; readonly found: string; cause?: unknown },
  ) {
    const { operation, expected, found } = facts;
    const message = `the quantizer ${quote(quantizer)} failed on tensor ${quote(subject, 200)}: ${operation}: expected ${expected}, found ${found}`;
    super({ ...facts, code: 'quantizerFailed', subject, message });
    this.quantizer = quantizer;
  }

  static override isInstance(value: unknown): value is QuantizerError {
    return isMoeqError(value, 'quantizerFailed') && 'quantizer' in value;
  }
}

/**
 * What a quantizer's method threw, as an error of that quantizer.
 * @param thrown anything: an Error, a MoeqError, or no error at all
 */
export function failureOf(
  quantizer: string,
  subject: string,
  operation: string,
  thrown: unknown,
): QuantizerError {
  if (QuantizerError.isInstance(thrown)) return thrown;
  if (MoeqError.isInstance(thrown)) {
    const { expected, found } = thrown;
    return new QuantizerError(quantizer, subject, { operation, expected, found, cause: thrown });
  }
  return new QuantizerError(quantizer, subject, {
    operation,
    expected: 'a result',
    found: describeThrown(thrown),
    cause: thrown,
  });
}

/** `the error "…"`, or what was thrown in place of one. */
export function describeThrown(thrown: unknown): string {
  try {
    if (thrown instanceof Error) return `the error ${quote(thrown.message, cut)}`;
    return `${quote(thrown, cut)} thrown`;
  } catch {
    return 'something thrown that cannot be described';
  }
}
