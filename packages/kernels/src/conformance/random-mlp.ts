// Random MLPs, of which experts are a special case: as data to load and as numbers to compute with.
//
// Shapes: D hidden, F intermediate.
import type { FloatDType, Layout } from '@moeq/tensors';
import type { MlpData } from '../resources.js';
import type { Bench } from './bench.js';
import type { NamedLayout } from './layouts.js';
import { nf4 } from './layouts.js';
import type { NaiveMlp } from './naive.js';
import { stackNumbers } from './naive.js';
import { randomMatrix } from './random-matrix.js';

export interface RandomMlp extends NaiveMlp {
  readonly data: MlpData;
}

/** What an MLP may have; gates and no biases unless given. */
interface MlpSort {
  readonly gated?: boolean;
  readonly biased?: boolean;
}

/** A dtype, or a layout for each matrix. */
export type Kind = FloatDType | NamedLayout;

const layoutOf = (kind: Kind, columns: number, bench: Bench): Layout | FloatDType =>
  typeof kind === 'string' ? kind : kind.make(bench.random, columns);

/** Gate and up, or what is left of them, in one matrix where `fused`. */
export function randomMlp(
  bench: Bench,
  hidden: number,
  intermediate: number,
  gateUp: Kind,
  down: Kind,
  fused: boolean,
  { gated = true, biased = false }: MlpSort = {},
): RandomMlp {
  const total = gated ? 2 * intermediate : intermediate;
  const rows = fused || !gated ? [total] : [intermediate, intermediate];
  const parts = rows.map((count) =>
    randomMatrix(layoutOf(gateUp, hidden, bench), [count, hidden], bench.random),
  );
  const last = randomMatrix(layoutOf(down, intermediate, bench), [hidden, intermediate], bench.random);
  const biases = biased
    ? { gateUpBias: bench.random.normals(total, 0.5), downBias: bench.random.normals(hidden, 0.5) }
    : {};
  return {
    data: { gateUp: parts.map((part) => part.data), down: last.data, ...biases },
    gateUp: stackNumbers(parts),
    down: last,
    ...biases,
  };
}

/** Experts with nf4 weights. */
export function expertsData(bench: Bench, count: number, hidden: number, intermediate: number): MlpData[] {
  const make = (rows: number, columns: number) =>
    randomMatrix(nf4.make(bench.random, columns), [rows, columns], bench.random).data;
  return Array.from({ length: count }, () => ({
    gateUp: [make(2 * intermediate, hidden)],
    down: make(hidden, intermediate),
  }));
}
