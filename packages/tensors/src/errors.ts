// The one base of every error that moeq throws on purpose. The marker is a registered symbol, so `isInstance` holds across
// copies of the package, bundles and realms, where `instanceof` does not. A structured clone of an error keeps its name,
// message and stack only: between threads go its `facts`.

const marker = Symbol.for('moeq.error');

/** Of files on another machine: `HttpErrorCode`. */
type FileCode = 'notFound' | 'status' | 'changed' | 'cut' | 'unreachable' | 'protocol';

/** Of what a backend is asked to do. */
type BackendCode = 'mismatch' | 'deadObject' | 'stepEnded' | 'destroyed';

/** Of a GPU: `WebGpuErrorCode` of @moeq/webgpu. */
type DeviceCode = 'notInstalled' | 'noAdapter' | 'deviceLost' | 'outOfMemory' | 'limit' | 'validation';

/**
 * What went wrong, for programs that react to it; most errors have none.
 * - `linkOutside`: a file of a model is a link that leads out of its folder, and links are not allowed.
 * - `notFinite`: a number is NaN or infinite where none may be.
 * - `quantizerFailed`: a quantizer threw, or what it gave is not what it has to give.
 * - `doesNotFit`: by the headers of its files a model needs more memory than the backend can have.
 * - `contextLength`: a prompt has more tokens than the context has room for.
 * - `wrongPrompt`: a prompt of a kind that the model does not take, without tokens, or with ids that it does not have.
 * - `templateFailed`: a chat template that can be read has not rendered a conversation: it refuses it, fails or passes a limit.
 * - `unsupportedSchema`: a JSON schema that is none, or that no grammar can be made of.
 * - `invalidOption`: an option has a value that it cannot have here; the subject names it, `option stride`.
 * - `outputExists`: there is an output already, which may be replaced.
 * - `routerQuantization`: a recipe quantizes a router, and that is not allowed.
 * - `unknownQuantizer`: no quantizer has this name.
 * - `unknownArchitecture`: a model's type is none that there is an architecture for.
 * - `partOfCheckpoint`: a folder holds one part of a conversion that is done in parts.
 * - `noTokenizer`, `noChatTemplate`: the model has none, or none that can be read.
 * - `addressInUse`, `addressUnknown`: a port is taken or may not be, an address is none of this machine.
 * - `apiKeyMissing`: an address that other machines reach needs an API key.
 * - `mismatch`: shapes, sizes or indices of what a backend was given do not fit each other.
 * - `deadObject`: an object of a backend was released, has outlived its step, or is of another backend.
 * - `stepEnded`: an operation was asked of a step whose body has ended.
 * - `destroyed`: a backend was destroyed before.
 * - `notInstalled` to `validation` are those of a GPU.
 * - `notFound` to `protocol` are those of files on another machine.
 */
export type ErrorCode =
  | 'linkOutside'
  | 'notFinite'
  | 'quantizerFailed'
  | 'doesNotFit'
  | 'contextLength'
  | 'wrongPrompt'
  | 'templateFailed'
  | 'unsupportedSchema'
  | 'invalidOption'
  | 'outputExists'
  | 'routerQuantization'
  | 'unknownQuantizer'
  | 'unknownArchitecture'
  | 'partOfCheckpoint'
  | 'noTokenizer'
  | 'noChatTemplate'
  | 'addressInUse'
  | 'addressUnknown'
  | 'apiKeyMissing'
  | BackendCode
  | DeviceCode
  | FileCode;

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
  /** The sentence, where it is another one than subject, operation, expected and found make. */
  readonly message?: string | undefined;
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

  constructor({ code, operation, subject, expected, found, message, cause }: ErrorFacts) {
    super(
      message ?? `${subject}: cannot ${operation}: expected ${expected}, found ${found}`,
      cause === undefined ? {} : { cause },
    );
    this.code = code;
    this.operation = operation;
    this.subject = subject;
    this.expected = expected;
    this.found = found;
  }

  /** Plain data that make an equal error in another thread; without the cause, which may be anything. */
  get facts(): ErrorFacts {
    const { code, operation, subject, expected, found, message } = this;
    return { code, operation, subject, expected, found, message };
  }

  /** Any error of moeq, from whichever copy of this package. */
  static isInstance(value: unknown): value is MoeqError {
    return typeof value === 'object' && value !== null && marker in value;
  }
}

/** Whether it is an error of moeq with one of these codes. */
export function isMoeqError<const Code extends ErrorCode>(
  value: unknown,
  ...codes: readonly [Code, ...Code[]]
): value is MoeqError & { readonly code: Code } {
  return MoeqError.isInstance(value) && codes.some((code) => code === value.code);
}

/** Characters of a value in a sentence: above the names of tensors, of which those of composites take up to 80. */
const mostQuoted = 120;

/**
 * Text or JSON from a file, cut to a length that fits a sentence and quoted, so that control characters cannot reach a
 * terminal.
 */
export function quote(value: unknown, limit = mostQuoted): string {
  const text = typeof value === 'string' ? value : beginning(value, limit);
  return JSON.stringify(text.length > limit ? `${text.slice(0, limit)}…` : text);
}

/** JSON of a value, at least its first `length` characters: what is nested a million deep is not written to its end. */
function beginning(value: unknown, length: number): string {
  if (typeof value !== 'object' || value === null) {
    // JSON has no big integers, and writes NaN and infinities as null.
    const isJson = typeof value === 'number' ? Number.isFinite(value) : typeof value !== 'bigint';
    return isJson ? (JSON.stringify(value) ?? String(value)) : String(value);
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
