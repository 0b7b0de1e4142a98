// Keeps what is generated within a grammar: a mask before each token, and each token as it is accepted. The grammar comes
// from outside, e.g. `@moeq/grammar`, which makes constraints from JSON schemas.

export interface TokenConstraint {
  /**
   * Work for the next `mask`, in slices, so that an engine with many texts holds nothing up; null: there is none. `mask`
   * does by itself what was not prepared.
   * @param pause lets others run
   */
  prepare?(pause: () => Promise<void>): Promise<void> | null;
  /**
   * Sets the logits of tokens that cannot come next to -Infinity; those of stop tokens too, unless the text may end here.
   * @param logits float32 [V]
   */
  mask(logits: Float32Array): void;
  /** Takes the token that was chosen; never a stop token. */
  accept(tokenId: number): void;
  /** The text is complete and nothing can follow. */
  readonly finished: boolean;
}
