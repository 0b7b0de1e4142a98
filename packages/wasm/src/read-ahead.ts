// Reads the next of a row of things while the last one is being used: files are read beside the work, never two at once.

/**
 * Indices 0 to `count` - 1 with what `read` gives for them, in order.
 * @throws what `read` throws, when its turn comes
 */
export async function* readAhead<Value>(
  count: number,
  read: (index: number) => Promise<Value>,
): AsyncGenerator<[index: number, value: Value]> {
  let next = count > 0 ? read(0) : null;
  for (let index = 0; next !== null; index++) {
    const value: Value = await next;
    next = index + 1 < count ? read(index + 1) : null;
    // the reader of the values may stop before this one
    next?.catch(() => {});
    yield [index, value];
  }
}
