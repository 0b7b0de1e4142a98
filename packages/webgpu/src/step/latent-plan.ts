// Which sequences of a step attend to latents as they are, and for which keys and values of heads are made of them: what costs
// fewer multiplications, as long as the result fits a binding.
//
// Shapes: T tokens, H heads, N dimensions of a head without rotation, P those with it, R latent, V value dimension.
import type { LatentSpec, Segment } from '@moeq/kernels';
import { expandedPage, noRow } from '../wgsl/latent-expand.js';
import { vectorsOf } from '../wgsl/prepare.js';

/** Sequences of a step, with the rows of activations that are theirs. */
export interface Part {
  readonly segments: readonly Segment[];
  /** The row of each segment's first token. */
  readonly firstRows: readonly number[];
  /** All rows. */
  readonly rows: readonly number[];
}

export interface LatentPlan {
  readonly absorbed: Part;
  /** With pages of keys and values that are made for the step, one sequence after the other. */
  readonly expanded: Part;
  /** Positions of these pages. */
  readonly positions: number;
}

/** Tokens of a sequence from which tiles multiply well. */
const leastTokens = 16;

/** What every device binds, and dispatches in one dimension. */
const [mostBytes, mostPositions] = [2 ** 27, 65_535];

const known = new WeakMap<readonly Segment[], Map<string, LatentPlan>>();

/** The same object for the same segments and sizes, so that tables are made once for all layers. */
export function latentPlan(segments: readonly Segment[], spec: LatentSpec): LatentPlan {
  const { heads, nopeDim, ropeDim, latentDim, valueDim } = spec;
  const key = [heads, nopeDim, ropeDim, latentDim, valueDim].join();
  const plans = known.get(segments) ?? new Map<string, LatentPlan>();
  known.set(segments, plans);
  const plan = plans.get(key) ?? makePlan(segments, spec);
  plans.set(key, plan);
  return plan;
}

function makePlan(segments: readonly Segment[], spec: LatentSpec): LatentPlan {
  const { heads, nopeDim, ropeDim, valueDim } = spec;
  const widest = Math.max(nopeDim + valueDim, 4 * vectorsOf(nopeDim + ropeDim), 4 * vectorsOf(valueDim));
  const absorbed = { segments: [] as Segment[], firstRows: [] as number[] };
  const expanded = { segments: [] as Segment[], firstRows: [] as number[] };
  let [row, page] = [0, 0];
  for (const segment of segments) {
    const { start, tokens } = segment;
    const pages = Math.ceil((start + tokens) / expandedPage);
    const positions = (page + pages) * expandedPage;
    const fits = positions <= mostPositions && 4 * positions * heads * widest <= mostBytes;
    if (fits && isWorthExpanding(start, tokens, spec)) {
      const own = Int32Array.from({ length: pages }, (_, i) => page + i);
      expanded.segments.push({ ...segment, pages: own });
      expanded.firstRows.push(row);
      page += pages;
    } else {
      absorbed.segments.push(segment);
      absorbed.firstRows.push(row);
    }
    row += tokens;
  }
  return {
    absorbed: { ...absorbed, rows: rowsOf(absorbed) },
    expanded: { ...expanded, rows: rowsOf(expanded) },
    positions: page * expandedPage,
  };
}

function isWorthExpanding(start: number, tokens: number, spec: LatentSpec): boolean {
  if (tokens < leastTokens) return false;
  const { nopeDim, ropeDim, latentDim, valueDim } = spec;
  const pairs = tokens * start + (tokens * (tokens + 1)) / 2;
  const perPosition = latentDim * (nopeDim + valueDim);
  const absorbed = tokens * perPosition + pairs * (2 * latentDim + ropeDim);
  return (start + tokens) * perPosition + pairs * (nopeDim + ropeDim + valueDim) < absorbed;
}

function rowsOf({ segments, firstRows }: Omit<Part, 'rows'>): number[] {
  return segments.flatMap(({ tokens }, index) =>
    Array.from({ length: tokens }, (_, i) => (firstRows[index] as number) + i),
  );
}

/** The row of the cache of each position of the expanded sequences; `noRow` at the ends of their last pages. */
export function positionRows(segments: readonly Segment[], plan: LatentPlan, pageSize: number): Uint32Array {
  const rows = new Uint32Array(plan.positions).fill(noRow);
  const pagesOf = new Map<number, Int32Array>();
  let row = 0;
  for (const { pages, tokens } of segments) {
    pagesOf.set(row, pages);
    row += tokens;
  }
  for (const [index, { pages: own, start, tokens }] of plan.expanded.segments.entries()) {
    const cached = pagesOf.get(plan.expanded.firstRows[index] as number) as Int32Array;
    const first = (own[0] as number) * expandedPage;
    for (let position = 0; position < start + tokens; position++) {
      const page = cached[Math.floor(position / pageSize)] as number;
      rows[first + position] = page * pageSize + (position % pageSize);
    }
  }
  return rows;
}
