// The computation of a step, with an error for each slice: all slices in one step of the backend; where that fails, each in
// one of its own, so that a sequence that cannot be computed does not fail the others.
import { type Executor, runBatch, type Slice, type SliceResult } from '../run/run-batch.js';

export type SliceOutcome = SliceResult | { readonly error: unknown };

/** @returns outcomes in the order of the slices */
export async function computeSlices(
  executor: Executor,
  slices: readonly Slice[],
  routings: boolean,
): Promise<SliceOutcome[]> {
  try {
    return await runBatch(executor, slices, { routings });
  } catch (error) {
    if (slices.length === 1) return [{ error }];
    const outcomes: SliceOutcome[] = [];
    for (const slice of slices) outcomes.push(...(await computeSlices(executor, [slice], routings)));
    return outcomes;
  }
}
