// What one request may ask for, and what the server takes on at once.

export interface Limits {
  /** Bytes of a request's body. */
  readonly bodyBytes: number;
  /** Tokens of an answer; those of the context in any case. */
  readonly maxTokens: number;
  /** Choices of one request: prompts times n. */
  readonly choices: number;
  /** Choices in the batch at most. */
  readonly batch: number;
  /** Choices in the queue at most. */
  readonly queue: number;
  /** Seconds from a request to the end of its answer. */
  readonly seconds: number;
  /** Seconds for all of a request to come in. */
  readonly requestSeconds: number;
  /** Seconds that running answers have to end in when the server stops. */
  readonly drainSeconds: number;
}

export const defaultLimits: Limits = {
  // A context of 32,768 tokens is some 150 kB of text; escaped as JSON, at most six times that.
  bodyBytes: 2 ** 20,
  maxTokens: Infinity,
  choices: 16,
  batch: 32,
  queue: 256,
  seconds: 600,
  requestSeconds: 30,
  drainSeconds: 30,
};

/** Stop strings of a request, and characters of each: every one is looked for at every token. */
export const maxStops = 16;
export const maxStopLength = 256;

/** Tokens with a bias: each is added for every token of every choice. */
export const maxBiases = 1024;

/** Brackets within brackets of a request: far more than any schema has, far less than a stack holds. */
export const maxNesting = 128;
