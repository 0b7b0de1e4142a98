// One side of a comparison: writes texts, one after the other or together.

export interface Contender {
  readonly name: string;
  /**
   * Writes a text of `tokens` tokens after each prompt.
   * @param together all at once; otherwise each when the one before it is done
   */
  write(prompts: readonly number[][], tokens: number, together: boolean): Promise<void>;
  close(): Promise<void>;
}

/** Runs one after the other, or all at once. */
export async function each<Item>(
  items: readonly Item[],
  together: boolean,
  run: (item: Item, index: number) => Promise<void>,
): Promise<void> {
  if (together) await Promise.all(items.map(run));
  else for (const [index, item] of items.entries()) await run(item, index);
}
