// How the simple operations are written into a program. Operands are in the order in which worker/operations.ts reads them.
//
// Shapes: T tokens, N rows, K columns.
import type { Node, Recorded } from '../graph.js';
import type { LoadedMatrix } from '../load-matrix.js';
import type { LoadedVector, LoadedWeight } from '../loaded.js';
import { Float, type Form, type Program, type SharedColumns } from '../program.js';

export function input(values: Float32Array, rows: number, columns: number): Recorded {
  return {
    rows,
    columns,
    inputs: [],
    emit(program) {
      const out = program.room(values.length);
      program.emit('input', out, values.length, values);
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
      const out = program.room(ids.length * columns);
      const places: number[] = [];
      let first = 0;
      for (const { record, rows } of parts) {
        places.push(record, rows, first);
        first += rows;
      }
      program.barrier();
      program.markCopied(out);
      program.emit('embed', out, columns, new Float(scale), ids.length, parts.length, places, ids);
      return out;
    },
  };
}

export function rmsNorm(x: Node, weight: LoadedVector, epsilon: number): Recorded {
  const { rows, columns } = x;
  return {
    rows,
    columns,
    inputs: [x],
    emit(program) {
      const out = program.room(rows * columns);
      program.emit('norm', program.addressOf(x), weight.address, new Float(epsilon), rows, columns, out);
      return out;
    },
  };
}

/** Words of one matrix against activations in its form; writes to columns `first` on of an output of `columns` columns. */
export function emitLinear(
  program: Program,
  { record, rows }: LoadedMatrix,
  { unit, x, stride, scales, sums }: Form,
  tokens: number,
  out: number,
  columns: number,
  first: number,
): void {
  program.emit('linear', record, rows, unit, x, stride, scales, sums, tokens, out, columns, first);
}

export function linear(x: Node, { rows, parts }: LoadedWeight, bias: LoadedVector | undefined): Recorded {
  return {
    rows: x.rows,
    columns: rows,
    inputs: [x],
    emit(program) {
      const out = program.room(x.rows * rows);
      let first = 0;
      const shared: SharedColumns[] = [];
      for (const part of parts) {
        emitLinear(program, part, program.form(x, part.intake), x.rows, out, rows, first);
        if (bias !== undefined) {
          const everywhere = part.everywhere ? 1 : 0;
          program.emit('bias', out, bias.address, x.rows, rows, first, part.rows, everywhere);
        }
        if (!part.everywhere) shared.push({ first, count: part.rows, size: 1 });
        first += part.rows;
      }
      program.gatherLater(out, shared);
      return out;
    },
  };
}

/** a + scale * b, in the memory of `a` where nobody else reads it. */
export function add(a: Node, b: Node, scale: number): Recorded {
  const { rows, columns } = a;
  return {
    rows,
    columns,
    inputs: [a, b],
    emit(program) {
      const left = program.addressOf(a);
      const out = (a === b ? null : program.takeOver(a)) ?? program.room(rows * columns);
      program.emit('add', left, program.addressOf(b), new Float(scale), out, rows * columns);
      return out;
    },
  };
}

export function selectRows(x: Node, rows: Int32Array): Recorded {
  const { columns } = x;
  return {
    rows: rows.length,
    columns,
    inputs: [x],
    emit(program) {
      const out = program.room(rows.length * columns);
      program.emit('select', program.addressOf(x), out, columns, rows.length, rows);
      return out;
    },
  };
}
