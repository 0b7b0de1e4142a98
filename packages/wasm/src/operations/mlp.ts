// Dense MLPs and routed experts in a program: up (gate, up, activation), an exchange, down, an exchange.
//
// Shapes: T tokens, E experts, A experts per token, S = T * A slots, D hidden, F intermediate.
import type { Activation } from '@moeq/kernels';
import type { Node, Recorded } from '../graph.js';
import type { LoadedExperts, LoadedMlp, LoadedWeight } from '../loaded.js';
import { activationNumbers } from '../opcodes.js';
import type { Form, Program } from '../program.js';
import { emitLinear } from './basic.js';

const whole = (count: number) => [{ first: 0, count, size: 1 }];

export function mlp(
  x: Node,
  { gate, up, down, hidden, intermediate }: LoadedMlp,
  activation: Activation,
  outputGate: LoadedWeight | undefined,
): Recorded {
  const tokens = x.rows;
  return {
    rows: tokens,
    columns: hidden,
    inputs: [x],
    emit(program) {
      const h = program.room(tokens * intermediate);
      const ups = program.room(tokens * intermediate);
      emitLinear(program, gate, program.form(x, gate.intake), tokens, h, intermediate, 0);
      emitLinear(program, up, program.form(x, up.intake), tokens, ups, intermediate, 0);
      program.emit('activate', h, ups, activationNumbers[activation], tokens, intermediate);
      program.free(ups);
      program.gather(h, tokens, intermediate, whole(intermediate));

      const out = program.room(tokens * hidden);
      const form = program.quantize(h, tokens, intermediate, down.intake);
      emitLinear(program, down, form, tokens, out, hidden, 0);
      freeForms(program, h, [form]);
      if (outputGate !== undefined) emitOutputGate(program, x, outputGate, out, hidden);
      program.gather(out, tokens, hidden, whole(hidden));
      return out;
    },
  };
}

/** Each row of `out` times sigmoid(x · gate). */
function emitOutputGate(
  program: Program,
  x: Node,
  { parts }: LoadedWeight,
  out: number,
  hidden: number,
): void {
  const gates = program.room(x.rows);
  for (const part of parts) {
    emitLinear(program, part, program.form(x, part.intake), x.rows, gates, 1, 0);
  }
  if (!parts.every(({ everywhere }) => everywhere)) program.gather(gates, x.rows, 1, whole(1));
  program.emit('sigmoid', out, gates, x.rows, hidden);
  program.free(gates);
}

/** @param routing Int32 [T, A], then Float32 [T, A] */
export function experts(x: Node, routing: Node, weights: LoadedExperts, activation: Activation): Recorded {
  const { hidden, intermediate, table, upIntakes, downIntakes } = weights;
  const tokens = x.rows;
  const active = routing.columns / 2;
  const slots = tokens * active;
  const count = weights.experts.length;
  return {
    rows: tokens,
    columns: hidden,
    inputs: [x, routing],
    emit(program) {
      const indices = program.addressOf(routing);
      const h = program.room(slots * intermediate);
      const ups = program.room(slots * intermediate);
      const list = program.room(slots);
      const upForms = upIntakes.map((intake) => program.form(x, intake));
      const sizes = [tokens, active, count, table, hidden, intermediate];
      const act = activationNumbers[activation];
      program.emit('expertsUp', indices, sizes, act, h, ups, list, modeWords(upForms));
      program.free(ups);
      program.free(list);
      program.gather(h, slots, intermediate, whole(intermediate));

      const y = program.room(slots * hidden);
      const out = program.room(tokens * hidden);
      const downForms = downIntakes.map((intake) => program.quantize(h, slots, intermediate, intake));
      program.emit('expertsDown', indices, indices + 4 * slots, sizes, y, out, 0, modeWords(downForms));
      freeForms(program, h, downForms);
      program.free(y);
      program.gather(out, tokens, hidden, whole(hidden));
      return out;
    },
  };
}

function modeWords(forms: readonly Form[]): number[] {
  return [
    forms.length,
    ...forms.flatMap(({ unit, x, stride, scales, sums }) => [unit, x, stride, scales, sums]),
  ];
}

/** Frees activations and the forms made of them. */
function freeForms(program: Program, address: number, forms: readonly Form[]): void {
  for (const { unit, x } of forms) if (unit !== 0) program.free(x);
  program.free(address);
}
