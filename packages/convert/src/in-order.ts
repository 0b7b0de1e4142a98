// Work that overlaps and results in order: while one is used, those after it are on their way.

export interface Job<T> {
  /** Of the input: what a job costs in memory while it runs or waits to be used. */
  readonly bytes: number;
  run(): Promise<T>;
}

/**
 * Runs jobs in order, the next as soon as its bytes and those of the jobs before, whose results have not been taken, are
 * within the bound; one always runs.
 * @param bound bytes
 * @throws what the first failing job throws, when the others have ended
 */
export async function* inOrder<T>(jobs: Iterable<Job<T>>, bound: number): AsyncGenerator<T> {
  const ahead: { readonly bytes: number; readonly result: Promise<T> }[] = [];
  let bytes = 0;
  try {
    for (const job of jobs) {
      for (let first = ahead[0]; first !== undefined && bytes + job.bytes > bound; first = ahead[0]) {
        yield await first.result;
        ahead.shift();
        bytes -= first.bytes;
      }
      const result = job.run();
      // thrown in its place, if that is reached
      result.catch(() => undefined);
      ahead.push({ bytes: job.bytes, result });
      bytes += job.bytes;
    }
    for (const { result } of ahead) yield await result;
  } finally {
    await Promise.allSettled(ahead.map(({ result }) => result));
  }
}
