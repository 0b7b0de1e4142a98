// Dense MLPs and routed experts in a program: up (gate, up, biases, activation), an exchange, down and its bias, which each thread
// has its share of until an operation needs all.
//
// Shapes: T tokens, E experts, A experts per token, S = T * A assignments, D hidden, F intermediate.
import { type Activation, activationNumbers } from '@moeq/kernels';
import type { Values } from '../abi/fields.js';
import type { Instructions } from '../abi/instructions.js';
import type { Recorded } from '../graph.js';
import type { LoadedMatrix } from '../load-matrix.js';
import type { LoadedExperts, LoadedMlp, LoadedWeight } from '../loaded.js';
import type { Program } from '../program.js';
import type { Form, Value } from '../value.js';
import { emitLinear } from './basic.js';

const whole = (count: number) => [{ first: 0, count, size: 1 }];

function activationOperands(activation: Activation): Values<Instructions['activate']['activation']> {
  return { kind: activation.kind, gated: activation.gated, ...activationNumbers(activation) };
}

export function mlp(
  x: Value,
  { gate, up, down, biases, hidden, intermediate }: LoadedMlp,
  activation: Activation,
  outputGate: LoadedWeight | null,
): Recorded {
  const tokens = x.rows;
  return {
    rows: tokens,
    columns: hidden,
    inputs: [x],
    emit(program) {
      const multiply = (matrix: LoadedMatrix, form: Form, bias: number, out: number): void => {
        const { rows: columns, everywhere } = matrix;
        emitLinear(program, matrix, form, tokens, { out, columns });
        if (bias === 0) return;
        program.emit('bias', { x: out, bias, rows: tokens, columns, first: 0, count: columns, everywhere });
      };
      const h = program.allocate(tokens * intermediate);
      const ups = gate === null ? 0 : program.allocate(tokens * intermediate);
      if (gate !== null) multiply(gate, program.form(x, gate.intake), biases.gate, h);
      multiply(up, program.form(x, up.intake), biases.up, gate === null ? h : ups);
      const operands = activationOperands(activation);
      program.emit('activate', { h, up: ups, activation: operands, rows: tokens, columns: intermediate });
      if (gate !== null) program.free(ups);
      program.gather(h, tokens, intermediate, whole(intermediate));

      const out = program.allocate(tokens * hidden);
      const form = program.quantize(h, tokens, intermediate, down.intake);
      multiply(down, form, biases.down, out);
      freeForms(program, h, [form]);
      if (outputGate !== null) emitOutputGate(program, x, outputGate, out, hidden);
      program.gatherLater(out, whole(hidden));
      return out;
    },
  };
}

/** f(g) * u, in the memory of the gates where they have no other reader; each thread needs its share of them alone. */
export function multiplyGated(gates: Value, ups: Value, first: number, activation: Activation): Recorded {
  const { rows, columns } = gates;
  return {
    rows,
    columns,
    inputs: [...new Set([gates, ups])],
    emit(program) {
      const up = program.addressOf(ups) + 4 * first;
      const from = program.sharesOf(gates, whole(columns));
      const out = (gates === ups ? null : program.takeOver(gates)) ?? program.allocate(rows * columns);
      const place = { gates: from, ups: up, upColumns: ups.columns, rows, columns, out };
      program.emit('multiplyGated', { ...place, activation: activationOperands(activation) });
      program.gatherLater(out, whole(columns));
      return out;
    },
  };
}

/** Each row of `out` times sigmoid(x · gate). */
function emitOutputGate(
  program: Program,
  x: Value,
  { parts }: LoadedWeight,
  out: number,
  hidden: number,
): void {
  const gates = program.allocate(x.rows);
  for (const part of parts) {
    emitLinear(program, part, program.form(x, part.intake), x.rows, { out: gates, columns: 1 });
  }
  if (!parts.every(({ everywhere }) => everywhere)) program.gather(gates, x.rows, 1, whole(1));
  program.emit('sigmoid', { x: out, gates, rows: x.rows, columns: hidden });
  program.free(gates);
}

/** @param routing Int32 [T, A], then Float32 [T, A] */
export function experts(x: Value, routing: Value, weights: LoadedExperts, activation: Activation): Recorded {
  const { hidden, intermediate, table, upIntakes, downIntakes } = weights;
  const tokens = x.rows;
  const active = routing.columns / 2;
  const assignments = tokens * active;
  const shape = { tokens, active, experts: weights.experts.length, hidden, intermediate, table };
  return {
    rows: tokens,
    columns: hidden,
    inputs: [x, routing],
    emit(program) {
      const indices = program.addressOf(routing);
      const h = program.allocate(assignments * intermediate);
      const ups = activation.gated ? program.allocate(assignments * intermediate) : 0;
      const tokensOfAssignments = program.allocate(assignments);
      const upForms = upIntakes.map((intake) => program.form(x, intake));
      const up = { h, up: ups, assignments: tokensOfAssignments, intakes: upForms };
      program.emit('expertsUp', { indices, shape, activation: activationOperands(activation), ...up });
      if (activation.gated) program.free(ups);
      program.free(tokensOfAssignments);
      program.gather(h, assignments, intermediate, whole(intermediate));

      const y = program.allocate(assignments * hidden);
      const out = program.allocate(tokens * hidden);
      const downForms = downIntakes.map((intake) => program.quantize(h, assignments, intermediate, intake));
      const chosen = { indices, weights: indices + 4 * assignments };
      program.emit('expertsDown', { ...chosen, shape, y, out, intakes: downForms });
      freeForms(program, h, downForms);
      program.free(y);
      program.gatherLater(out, whole(hidden));
      return out;
    },
  };
}

/** Frees activations and the forms made of them. */
function freeForms(program: Program, address: number, forms: readonly Form[]): void {
  for (const { unit, x } of forms) if (unit !== 0) program.free(x);
  program.free(address);
}
