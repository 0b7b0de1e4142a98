// Operations on rows, as dispatches: input, embedding, norm, multiply, addition, gates, choice of rows.
import { activationName } from '@moeq/kernels';
import {
  activateKernel,
  addKernel,
  elementsPerWorkgroup,
  embedKernel,
  normKernel,
  selectKernel,
} from '../wgsl/rows.js';
import type { Emitter } from './dispatch-matrix.js';
import type { NormedSum } from './fuse.js';
import type { GraphNode } from './graph.js';
import { multiply } from './multiply.js';
import type { Results } from './results.js';

/** Workgroups for every element of rows. */
export function elementGrid(columns: number, rows: number): [number, number] {
  return [Math.ceil(columns / elementsPerWorkgroup), rows];
}

export function emitInput({ program }: Emitter, node: GraphNode<'input'>, results: Results): void {
  program.inputs.push({ result: results.make(node), values: node.operation.values });
}

export function emitEmbed({ program, kernels }: Emitter, node: GraphNode<'embed'>, results: Results): void {
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

/** @param sum the addition that takes the norm along */
export function emitNorm(
  { program, kernels }: Emitter,
  node: GraphNode<'norm'>,
  results: Results,
  sum?: { readonly root: GraphNode<'add'> } & Omit<NormedSum, 'norm'>,
): void {
  const { x, weight, epsilon, centred, bias, first, groups } = node.operation;
  const addend = bias === null ? [] : [bias.buffer];
  const others = sum === undefined ? [] : [results.of(sum.other)];
  const operands = [
    results.of(x),
    weight.buffer,
    ...addend,
    ...others,
    results.make(sum === undefined ? node : sum.root),
  ];
  const [biased, added] = [bias !== null, sum !== undefined];
  const kernel = kernels.get(`norm ${centred} ${biased} ${added}`, () => normKernel(centred, biased, added));
  const values = {
    ...{ columns: node.columns / groups, stride: x.columns, first, groups, epsilon },
    ...{ scale: sum?.scale ?? 1, otherScale: sum?.otherScale ?? 1 },
  };
  program.dispatch(kernel, values, operands, [node.rows, groups]);
}

export function emitLinear(emitter: Emitter, node: GraphNode<'linear'>, results: Results): void {
  const { x, weight, bias, cap } = node.operation;
  const input = results.input(x);
  const { out, residuals } = results.output(node);
  const epilogue = { bias, gate: null, cap, residuals };
  const shape = { outColumns: node.columns, tokens: node.rows };
  multiply(emitter, weight.groups, { ...input, ...shape, out, epilogue });
}

export function emitAdd(emitter: Emitter, node: GraphNode<'add'>, results: Results): void {
  const normed = results.normedSum(node);
  if (normed !== undefined) {
    emitNorm(emitter, normed.norm, results, { ...normed, root: node });
    return;
  }
  const { program, kernels } = emitter;
  const { a, b, scale } = node.operation;
  const { rows, columns } = node;
  const operands = [results.of(a), results.of(b), results.make(node)];
  program.dispatch(kernels.get('add', addKernel), { columns, scale }, operands, elementGrid(columns, rows));
}

export function emitSelect({ program, kernels }: Emitter, node: GraphNode<'select'>, results: Results): void {
  const { x, rows } = node.operation;
  const { columns } = node;
  const at = program.tables.add(Uint32Array.from(rows));
  const operands = [results.of(x), 'tables', results.make(node)] as const;
  const kernel = kernels.get('select', selectKernel);
  program.dispatch(kernel, { columns, rows: at }, operands, elementGrid(columns, node.rows));
}

export function emitMultiplyGated(
  { program, kernels }: Emitter,
  node: GraphNode<'multiplyGated'>,
  results: Results,
): void {
  const { x, ups, first, activation } = node.operation;
  const { columns } = node;
  const kernel = kernels.get(`activate ${activationName(activation)}`, () => activateKernel(activation));
  const values = { columns, gateStride: columns, upStride: ups.columns, upFirst: first };
  const operands = [results.of(x), results.of(ups), results.make(node)];
  program.dispatch(kernel, values, operands, elementGrid(columns, node.rows));
}
