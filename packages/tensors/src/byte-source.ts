// Where bytes come from. Readers ask for the ranges they need and never for the whole.

export interface ByteSource {
  /** For messages: a path or URL. */
  readonly name: string;
  /** Bytes in total. */
  readonly size: number;
  /**
   * Exactly `length` bytes from `offset`, in a buffer of their own whose address is a multiple of 8.
   * @param into memory of that length, which a source may fill and return in place of new memory
   * @throws MoeqError when the source ends before, or cannot be read
   */
  read(offset: number, length: number, signal?: AbortSignal, into?: Uint8Array): Promise<Uint8Array>;
  close?(): Promise<void>;
}
