// From recorded operations to dispatches, in the order that fuse.ts gives, with what it joins.

import { ExpertEmitter } from './emit-experts.js';
import { fuse } from './fuse.js';
import type { GraphNode } from './graph.js';
import type { Kernels } from './kernels.js';
import { emit } from './kinds.js';
import type { MergeLimits } from './merge-dispatches.js';
import { mergeCommands } from './merge-dispatches.js';
import { Program } from './program.js';
import { Results } from './results.js';

export interface LoweringContext {
  readonly kernels: Kernels;
  readonly empty: GPUBuffer;
  readonly status: GPUBuffer;
  readonly mergeLimits: MergeLimits;
  /** Bytes of workgroup memory that the device has. */
  readonly workgroupMemory: number;
}

/**
 * A program that computes `targets`.
 * @param order all nodes of the step, as recorded
 */
export function lower(
  order: readonly GraphNode[],
  targets: ReadonlySet<GraphNode>,
  { kernels, empty, status, mergeLimits, workgroupMemory }: LoweringContext,
): Program {
  const fusion = fuse(order, targets);
  const program = new Program();
  const emitter = { program, kernels, empty };
  const results = new Results(fusion);
  const experts = new ExpertEmitter(emitter, results);
  const lowering = { emitter, results, experts, fusion, status, workgroupMemory };
  for (const node of fusion.order) emit(lowering, node);
  for (const node of fusion.needed) {
    node.executed = true;
    if (node.result !== null) node.result.held = fusion.isHeld(node);
  }
  program.commands = mergeCommands(program.commands, kernels, mergeLimits);
  return program;
}
