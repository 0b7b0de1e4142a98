// Gates of attention: what a number of a head's output is multiplied by, from the row of queries, keys and values.
import type { AttentionGate } from '@moeq/kernels';
import type { Fields } from './shader.js';

/** null: none. */
export type GateShape = Pick<AttentionGate, 'kind' | 'per'> | null;

export const gateName = (gate: GateShape): string => (gate === null ? '' : `, ${gate.kind} a ${gate.per}`);

/** Columns of a row of qkv, the gate of head 0 in it, and from one head's gate to the next. */
export const gateFields = { rowWidth: 'u32', gateAt: 'u32', gateStride: 'u32' } as const satisfies Fields;

const functions = {
  sigmoid: '1.0 / (1.0 + exp(-g))',
  softplus: 'max(g, 0.0) + log(1.0 + exp(-abs(g)))',
} as const;

/** `gateOf(row, head, element)`; `qkv` and `gateFields` are there. */
export function gateDeclarations(gate: GateShape): string[] {
  if (gate === null) return [];
  const element = gate.per === 'head' ? '' : ' + element';
  return [
    `fn gateOf(row: u32, head: u32, element: u32) -> f32 {
  let g = qkv[row * p.rowWidth + p.gateAt + head * p.gateStride${element}];
  return ${functions[gate.kind]};
}`,
  ];
}

/** ` * gateOf(…)`, or nothing. */
export const timesGate = (gate: GateShape, row: string, head: string, element: string): string =>
  gate === null ? '' : ` * gateOf(${row}, ${head}, ${element})`;
