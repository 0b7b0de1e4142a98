// One side of a comparison: a loaded model that reads a prompt and writes on, greedily, and says how fast.

/** Tokens per second. */
export interface Rates {
  readonly prefill: number;
  readonly decode: number;
}

export interface Contender {
  readonly name: string;
  measure(prompt: Int32Array, decodeTokens: number): Promise<Rates>;
  close(): Promise<void>;
}
