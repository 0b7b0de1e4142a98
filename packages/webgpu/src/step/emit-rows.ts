// Operations that go through rows element by element, as dispatches: embedding, norm, addition, choice of rows.
import { addKernel, elementsPerWorkgroup, embedKernel, normKernel, selectKernel } from '../wgsl/rows.js';
import type { Emitter } from './dispatch-matrix.js';
import type { Node, OperationOf } from './graph.js';
import type { Results } from './results.js';

/** Workgroups for every element of rows. */
export function elementGrid(columns: number, rows: number): [number, number] {
  return [Math.ceil(columns / elementsPerWorkgroup), rows];
}

export function emitEmbed(
  { program, kernels }: Emitter,
  node: Node<OperationOf<'embed'>>,
  results: Results,
): void {
  const { table, ids, scale } = node.operation;
  const out = results.make(node);
  const at = program.tables.add(Uint32Array.from(ids));
  for (const { kind, buffer, uniforms, matrices } of table.groups) {
    const kernel = kernels.get(`embed ${kernels.nameOf(kind)}`, () => embedKernel(kind));
    const operands = [buffer, buffer, 'tables', out] as const;
    const grid = elementGrid(node.columns, node.rows);
    program.dispatch(kernel, { ...uniforms, ids: at, scale }, operands, grid, matrices);
  }
}

export function emitNorm(
  { program, kernels }: Emitter,
  node: Node<OperationOf<'norm'>>,
  results: Results,
): void {
  const { x, weight, epsilon } = node.operation;
  const operands = [results.of(x), weight.buffer, results.make(node)];
  const kernel = kernels.get('norm', normKernel);
  program.dispatch(kernel, { columns: node.columns, epsilon }, operands, [node.rows, 1]);
}

export function emitAdd(
  { program, kernels }: Emitter,
  node: Node<OperationOf<'add'>>,
  results: Results,
): void {
  const { a, b, scale } = node.operation;
  const { rows, columns } = node;
  const operands = [results.of(a), results.of(b), results.make(node)];
  program.dispatch(kernels.get('add', addKernel), { columns, scale }, operands, elementGrid(columns, rows));
}

export function emitSelect(
  { program, kernels }: Emitter,
  node: Node<OperationOf<'select'>>,
  results: Results,
): void {
  const { x, rows } = node.operation;
  const { columns } = node;
  const at = program.tables.add(Uint32Array.from(rows));
  const operands = [results.of(x), 'tables', results.make(node)] as const;
  const kernel = kernels.get('select', selectKernel);
  program.dispatch(kernel, { columns, rows: at }, operands, elementGrid(columns, node.rows));
}
