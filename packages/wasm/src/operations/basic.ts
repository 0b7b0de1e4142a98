// How the simple operations are written into a program.
//
// Shapes: T tokens, N rows, K columns.
import type { Recorded } from '../graph.js';
import type { LoadedMatrix } from '../load-matrix.js';
import type { LoadedVector, LoadedWeight } from '../loaded.js';
import type { Program, SharedColumns } from '../program.js';
import type { Form, Value } from '../value.js';

export function input(values: Float32Array, rows: number, columns: number): Recorded {
  return {
    rows,
    columns,
    inputs: [],
    emit(program) {
      const out = program.allocate(values.length);
      program.emit('input', { out, values });
      return out;
    },
  };
}

export function embed({ parts, columns }: LoadedWeight, ids: Int32Array, scale: number): Recorded {
  return {
    rows: ids.length,
    columns,
    inputs: [],
    emit(program) {
      const out = program.allocate(ids.length * columns);
      let first = 0;
      const places = parts.map(({ record, rows }) => {
        const place = { record, rows, first };
        first += rows;
        return place;
      });
      program.barrier();
      program.markCopied(out);
      program.emit('embed', { out, columns, scale, parts: places, ids });
      return out;
    },
  };
}

export function norm(
  x: Value,
  weight: LoadedVector,
  epsilon: number,
  centred: boolean,
  bias: LoadedVector | null,
  first: number,
  groups: number,
  columns: number,
): Recorded {
  const { rows, columns: xColumns } = x;
  return {
    rows,
    columns,
    inputs: [x],
    emit(program) {
      const out = program.allocate(rows * columns);
      const address = program.addressOf(x) + 4 * first;
      program.emit('norm', {
        x: address,
        xColumns,
        groups,
        weight: weight.address,
        bias: bias?.address ?? 0,
        epsilon,
        centred,
        rows,
        columns,
        out,
      });
      return out;
    },
  };
}

/** Where a product goes: columns `first` on of rows of `columns`. */
interface Target {
  readonly out: number;
  readonly columns: number;
  readonly first?: number;
}

/** One matrix against activations in its form. */
export function emitLinear(
  program: Program,
  { record, rows }: LoadedMatrix,
  intake: Form,
  tokens: number,
  { out, columns, first = 0 }: Target,
): void {
  program.emit('linear', { record, rows, intake, tokens, out, columns, first });
}

/** @param cap 0: none */
export function linear(
  x: Value,
  { rows, parts }: LoadedWeight,
  bias: LoadedVector | null,
  cap: number,
): Recorded {
  return {
    rows: x.rows,
    columns: rows,
    inputs: [x],
    emit(program) {
      const out = program.allocate(x.rows * rows);
      let first = 0;
      const shared: SharedColumns[] = [];
      for (const part of parts) {
        const { rows: count, everywhere } = part;
        emitLinear(program, part, program.form(x, part.intake), x.rows, { out, columns: rows, first });
        if (bias !== null || cap > 0) {
          const place = { x: out, rows: x.rows, columns: rows, first, count, everywhere };
          if (bias !== null) program.emit('bias', { ...place, bias: bias.address });
          if (cap > 0) program.emit('softCap', { ...place, cap });
        }
        if (!everywhere) shared.push({ first, count, size: 1 });
        first += count;
      }
      program.gatherLater(out, shared);
      return out;
    },
  };
}

/** a + scale * b, in the memory of `a` where it has no other reader; the sum is shared where both are. */
export function add(a: Value, b: Value, scale: number): Recorded {
  const { rows, columns } = a;
  return {
    rows,
    columns,
    inputs: [a, b],
    emit(program) {
      const shares = program.sharedByBoth(a, b);
      const [left, right] = [a, b].map((value) =>
        shares === null ? program.addressOf(value) : (value.address as number),
      ) as [number, number];
      const out = (a === b ? null : program.takeOver(a)) ?? program.allocate(rows * columns);
      program.emit('add', { a: left, b: right, scale, out, length: rows * columns });
      if (shares !== null) program.gatherLater(out, shares);
      return out;
    },
  };
}

export function selectRows(x: Value, rows: Int32Array): Recorded {
  const { columns } = x;
  return {
    rows: rows.length,
    columns,
    inputs: [x],
    emit(program) {
      const out = program.allocate(rows.length * columns);
      program.emit('select', { x: program.addressOf(x), out, columns, rows });
      return out;
    },
  };
}
