// The thread that reads: mutates, reads, judges, keeps what runs new code. What it is reading now and its counters lie in
// memory shared with the supervisor, which so knows them when the thread hangs or dies.
import { parentPort, workerData } from 'node:worker_threads';
import { Board } from './board.ts';
import { Coverage } from './coverage.ts';
import { judge, type Verdict } from './judge.ts';
import { mutate } from './mutate.ts';
import type { Parser } from './parser.ts';
import { Random } from './random.ts';

export interface WorkerData {
  /** Module with the parsers, and the name of one. */
  readonly module: string;
  readonly parser: string;
  readonly corpus: readonly Uint8Array[];
  readonly seed: number;
  readonly until: number;
  /** How many to try at most. */
  readonly inputs: number;
  readonly board: SharedArrayBuffer;
}

export interface Find extends Verdict {
  readonly input: Uint8Array;
}

/** Reading coverage takes a millisecond or two, so that many inputs share one. */
const batchSize = 50;
/** Of the code whose blocks count: moeq's own and the parsers that it stands on. */
const watched = /\/(?:packages|apps)\/[^/]+\/|@huggingface|valibot|planted/;

const { module, parser: name, corpus, seed, until, inputs, board: shared } = workerData as WorkerData;
const { parsers } = (await import(module)) as { readonly parsers: Readonly<Record<string, Parser>> };
const parser = parsers[name];
if (parser === undefined) throw new Error(`no parser ${name}`);
const random = new Random(seed);
const board = new Board(shared);
const coverage = new Coverage(watched);
const pool = corpus.slice();

/** Parses one input and reports what it found. */
async function attempt({ read }: Parser, input: Uint8Array): Promise<void> {
  board.begin(input);
  let verdict = await judge(read, input);
  // time is also spent by others
  if (verdict?.kind === 'slow') verdict = await judge(read, input);
  board.end();
  if (verdict !== null) parentPort?.postMessage({ ...verdict, input } satisfies Find);
}

/** Keeps the inputs of a batch that run new code, each by itself. */
async function keepNew({ read }: Parser, batch: readonly Uint8Array[]): Promise<void> {
  const before = coverage.snapshot();
  if (!coverage.update()) return;
  coverage.restore(before);
  for (const input of batch) {
    board.begin(input);
    await judge(read, input);
    board.end();
    if (coverage.update()) pool.push(input);
  }
}

for (const input of pool) await attempt(parser, input);
coverage.update();
const goesOn = (): boolean => board.tried < inputs && Date.now() < until;
while (goesOn()) {
  const batch: Uint8Array[] = [];
  while (batch.length < batchSize && goesOn()) {
    // the newest have been changed least often
    const at = Math.floor(pool.length * Math.sqrt(random.next()));
    const input = mutate(pool[at] ?? new Uint8Array(), parser, random, random.pick(pool));
    batch.push(input);
    await attempt(parser, input);
    board.count();
  }
  await keepNew(parser, batch);
  board.report(pool.length, coverage.covered);
}
