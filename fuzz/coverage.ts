// Which code has not run yet, as V8 itself counts it: block coverage through the inspector of this thread, so nothing is
// instrumented or rebuilt. An input is new when it runs a block that none before it ran.
//
// https://v8.dev/blog/javascript-code-coverage
import { type Profiler, Session } from 'node:inspector';

/** Character ranges of a function that have not run, in order. */
type Gaps = readonly (readonly [start: number, end: number])[];

interface Snapshot {
  readonly gaps: ReadonlyMap<string, Gaps>;
  readonly covered: number;
}

export class Coverage {
  readonly #session = new Session();
  readonly #watched: RegExp;
  #gaps = new Map<string, Gaps>();
  #covered = 0;

  /** @param watched URLs of the scripts that count */
  constructor(watched: RegExp) {
    this.#watched = watched;
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: true, detailed: true });
  }

  /** Characters of code that have run so far. */
  get covered(): number {
    return this.#covered;
  }

  /** Takes note of what ran since the last call. @returns whether any of it ran for the first time */
  update(): boolean {
    const before = this.#covered;
    for (const { url, functions } of this.#take()) {
      if (!this.#watched.test(url)) continue;
      for (const { ranges } of functions) this.#addFunction(url, ranges);
    }
    return this.#covered > before;
  }

  /** What `restore` goes back to. */
  snapshot(): Snapshot {
    return { gaps: new Map(this.#gaps), covered: this.#covered };
  }

  /** Forgets what has run for the first time since the snapshot. */
  restore({ gaps, covered }: Snapshot): void {
    this.#gaps = new Map(gaps);
    this.#covered = covered;
  }

  #addFunction(url: string, ranges: readonly Profiler.CoverageRange[]): void {
    const [whole] = ranges;
    if (whole === undefined || whole.count === 0) return;
    const key = `${url} ${whole.startOffset} ${whole.endOffset}`;
    const before = this.#gaps.get(key) ?? [[whole.startOffset, whole.endOffset] as const];
    if (before.length === 0) return;
    const now = gapsOf(ranges);
    const after = intersect(before, now);
    this.#gaps.set(key, after);
    this.#covered += length(before) - length(after);
  }

  #take(): Profiler.ScriptCoverage[] {
    let taken: Profiler.ScriptCoverage[] = [];
    // an inspector of the same thread answers before `post` returns
    this.#session.post('Profiler.takePreciseCoverage', (error, answer) => {
      if (error !== null) throw error;
      taken = answer.result;
    });
    return taken;
  }

  #post(method: string, parameters: object = {}): void {
    this.#session.post(method, parameters, (error) => {
      if (error !== null) throw error;
    });
  }
}

/** Ranges nest, and the innermost says how often a character ran. */
function gapsOf(ranges: readonly Profiler.CoverageRange[]): Gaps {
  const points = [...new Set(ranges.flatMap(({ startOffset, endOffset }) => [startOffset, endOffset]))];
  points.sort((a, b) => a - b);
  return points.slice(0, -1).flatMap((start, index) => {
    const end = points[index + 1] as number;
    const innermost = ranges.findLast((range) => range.startOffset <= start && end <= range.endOffset);
    return innermost?.count === 0 ? [[start, end] as const] : [];
  });
}

function intersect(a: Gaps, b: Gaps): Gaps {
  return a.flatMap(([start, end]) =>
    b
      .map(([from, to]) => [Math.max(start, from), Math.min(end, to)] as const)
      .filter(([from, to]) => from < to),
  );
}

function length(gaps: Gaps): number {
  return gaps.reduce((sum, [start, end]) => sum + end - start, 0);
}
