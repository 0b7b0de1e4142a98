// Matrix multiplies of whole weights: few rows go to the vector kernels, many to the tiles; a weight of several groups takes
// a dispatch for each.
//
// Shapes: T tokens, A experts per token, S = T * A assignments, N rows, K columns, F intermediate.
import type { Activation } from '@moeq/kernels';
import type { WeightGroup } from '../weights/group.js';
import type { ExpertGroup } from '../weights/store.js';
import { matrixWords } from '../wgsl/shader.js';
import type { Emitter, Epilogue, NormInput, RoutingInput } from './dispatch-matrix.js';
import { dispatchTile, dispatchVector } from './dispatch-matrix.js';
import type { Transient } from './program.js';

/** Rows up to which the vector kernels read weights faster than tiles multiply. */
export const mostVectorRows = 8;

/** out[t] = epilogue(W x[t]) for every group of a dense weight. A norm is possible up to `mostVectorRows` tokens. */
export function multiply(
  emitter: Emitter,
  groups: readonly WeightGroup[],
  input: {
    x: Transient;
    out: Transient;
    outColumns: number;
    tokens: number;
    norm: NormInput | null;
    epilogue: Epilogue;
  },
): void {
  const { norm, ...rest } = input;
  for (const group of groups) {
    if (input.tokens <= mostVectorRows) {
      dispatchVector(emitter, { ...rest, group, use: 'dense', rows: input.tokens, norm });
    } else {
      dispatchTile(emitter, { ...rest, group });
    }
  }
}

/** Where the rows of experts come from and go to. */
export interface ExpertRows {
  readonly x: Transient;
  readonly tokens: number;
  readonly norm: NormInput | null;
  /** null: one expert for all tokens, a dense MLP. */
  readonly routing: RoutingInput | null;
  /** For more than `mostVectorRows` tokens of routed experts. */
  readonly plan: { readonly result: Transient; readonly tiles: number } | null;
}

/**
 * h[s] = act(gate) * up for all assignments: one dispatch for each group that has both. Groups that have only rows of one write
 * to `gateUp` [S, 2F], and `activate` takes it from there. Without a gate every group writes its own rows of act(up).
 */
export function gateUp(
  emitter: Emitter,
  groups: readonly ExpertGroup[],
  rows: ExpertRows,
  activation: Activation,
  intermediate: number,
  h: Transient,
  apart: { readonly result: Transient; readonly activate: () => void } | null,
): void {
  const { x, tokens, norm, routing, plan } = rows;
  const run = (group: ExpertGroup, up: ExpertGroup['up'], out: Transient): void => {
    const isApart = activation.gated && up === null;
    const inner = isApart ? {} : { inner: { activation, up, rows: intermediate } };
    const outColumns = isApart ? 2 * intermediate : intermediate;
    const common = { group, x, out, outColumns, tokens, ...inner };
    if (plan !== null && routing !== null) {
      dispatchTile(emitter, { ...common, plan: { ...plan, assignmentsPerRow: routing.expertsPerToken } });
    } else if (routing !== null) {
      const assignments = tokens * routing.expertsPerToken;
      dispatchVector(emitter, {
        ...common,
        use: 'assignments',
        rows: assignments,
        routing,
        sharedRows: true,
        norm,
      });
    } else if (tokens <= mostVectorRows) {
      dispatchVector(emitter, { ...common, use: 'dense', rows: tokens, norm });
    } else {
      dispatchTile(emitter, common);
    }
  };
  if (apart !== null) {
    for (const group of groups) if (group.up === null) run(group, null, apart.result);
    apart.activate();
  }
  for (const group of groups) if (!activation.gated || group.up !== null) run(group, group.up, h);
}

/**
 * out[t] = Σ_a weight[t, a] W_e h[t, a], then residuals, without a plan. Groups add up: the first for its rows writes. Where
 * experts are cut at different rows no group is the first for all of its own, so `begin` writes the residuals alone before.
 */
export function sumOfExperts(
  emitter: Emitter,
  groups: readonly ExpertGroup[],
  input: {
    h: Transient;
    out: Transient;
    outColumns: number;
    tokens: number;
    routing: RoutingInput;
    epilogue: Epilogue;
    begin: () => void;
  },
): void {
  const { h, out, outColumns, tokens, routing, epilogue, begin } = input;
  const begun = new Set<number>();
  if (!isPartition(groups)) {
    begin();
    for (const group of groups) begun.add(rowsOfGroup(group).first);
  }
  for (const group of groups) {
    const { first } = rowsOfGroup(group);
    const accumulate = begun.has(first);
    begun.add(first);
    dispatchVector(emitter, {
      group,
      use: 'sum',
      x: h,
      out,
      outColumns,
      rows: tokens,
      tokens,
      routing,
      epilogue,
      accumulate,
    });
  }
}

function rowsOfGroup({ matrices, parts }: WeightGroup): { first: number; end: number } {
  const last = (parts - 1) * matrixWords;
  return { first: matrices[1] as number, end: (matrices[last] as number) + (matrices[last + 1] as number) };
}

/** Whether any two groups have the same rows or none in common. */
function isPartition(groups: readonly WeightGroup[]): boolean {
  const ends = new Map(groups.map(rowsOfGroup).map(({ first, end }) => [first, end]));
  const ordered = [...ends].sort(([a], [b]) => a - b);
  const disjoint = ordered.every(([first], index) => index === 0 || first >= (ordered[index - 1]?.[1] ?? 0));
  return disjoint && groups.map(rowsOfGroup).every(({ first, end }) => ends.get(first) === end);
}

/** y[s] = W_e h[s], tiles of assignments by the plan. */
export function downTiles(
  emitter: Emitter,
  groups: readonly ExpertGroup[],
  input: {
    h: Transient;
    out: Transient;
    outColumns: number;
    tokens: number;
    plan: { result: Transient; tiles: number };
  },
): void {
  const { h, plan, ...rest } = input;
  for (const group of groups)
    dispatchTile(emitter, { ...rest, group, x: h, plan: { ...plan, assignmentsPerRow: 1 } });
}
