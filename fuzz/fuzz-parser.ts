// Fuzzes one parser for a time or a number of inputs: starts the thread that parses, ends it when it hangs, starts another
// when it has died, and keeps one find of each kind.
import { Worker } from 'node:worker_threads';
import { Board } from './board.ts';
import type { Find, WorkerData } from './worker.ts';

export interface FuzzOptions {
  /** URL of the module that exports `parsers`. */
  readonly module: string;
  readonly parser: string;
  readonly corpus: readonly Uint8Array[];
  /** No end by time unless given. */
  readonly milliseconds?: number;
  /** Inputs to try at most; no end by number unless given. */
  readonly inputs?: number;
  readonly seed: number;
  /** How long one input may be read before the thread is ended; 10,000 unless given. */
  readonly patience?: number;
  /** Different finds that are enough to end it early; 20 unless given. */
  readonly enough?: number;
}

export interface FuzzResult {
  readonly tried: number;
  readonly seconds: number;
  /** Inputs that ran code of their own, seeds among them. */
  readonly kept: number;
  /** Characters of code that ran. */
  readonly covered: number;
  readonly finds: readonly Find[];
}

/** Of the reading thread, beyond typed arrays. */
const maxHeapMegabytes = 512;

/** Runs for that time, or that number of inputs, whichever ends first. */
export async function fuzzParser(options: FuzzOptions): Promise<FuzzResult> {
  const { milliseconds = Infinity, inputs = Infinity, patience = 10_000, enough = 20 } = options;
  const started = Date.now();
  const until = started + milliseconds;
  const finds = new Map<string, Find>();
  const total = { tried: 0, kept: 0, covered: 0 };
  for (let round = 0; Date.now() < until && total.tried < inputs && finds.size < enough; round++) {
    const memory = Board.create();
    const board = new Board(memory);
    const data: WorkerData = {
      module: options.module,
      parser: options.parser,
      corpus: options.corpus,
      seed: options.seed + round,
      until,
      inputs: inputs - total.tried,
      board: memory,
    };
    const death = await readInThread(data, board, patience, (find) => {
      const key = keyOf(find);
      const known = finds.get(key);
      // the shortest says most
      if (known === undefined || find.input.length < known.input.length) finds.set(key, find);
      return finds.size < enough;
    });
    if (death !== null) finds.set(keyOf(death), death);
    total.tried += board.tried;
    total.kept = Math.max(total.kept, board.pool);
    total.covered = Math.max(total.covered, board.covered);
  }
  return { ...total, seconds: (Date.now() - started) / 1000, finds: [...finds.values()] };
}

/**
 * @param onFind whether to go on
 * @returns what ended the thread before its time, or null
 */
function readInThread(
  workerData: WorkerData,
  board: Board,
  patience: number,
  onFind: (find: Find) => boolean,
): Promise<Find | null> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), {
    workerData,
    // the stack of a main thread
    resourceLimits: { maxOldGenerationSizeMb: maxHeapMegabytes, stackSizeMb: 1 },
  });
  let death: Find | null = null;
  const watch = setInterval(() => {
    if (board.milliseconds < patience) return;
    death ??= { kind: 'endless', message: `more than ${patience} ms`, input: board.input };
    clearInterval(watch);
    void worker.terminate();
  }, 100);
  worker.on('message', (find: Find) => {
    if (!onFind(find)) void worker.terminate();
  });
  worker.on('error', (error: Error & { readonly code?: string }) => {
    const kind = error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? 'memory' : 'crash';
    death ??= { kind, message: error.stack ?? error.message, input: board.input };
  });
  return new Promise((resolve) => {
    worker.on('exit', () => {
      clearInterval(watch);
      resolve(death);
    });
  });
}

/** Finds with one cause look alike but for what they quote. */
function keyOf({ kind, message }: Find): string {
  const [first = '', where = ''] = message.split('\n');
  return `${kind} ${first.replace(/["'`\d].*/, '')} ${where}`;
}
