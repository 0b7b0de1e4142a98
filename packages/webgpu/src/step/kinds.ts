// The kinds of operations: how each becomes dispatches, and what of it outlives its result.
import type { OperationKind } from '@moeq/kernels';
import { emitAttention } from './attend.js';
import { emitConvolution } from './convolve.js';
import { emitDeltaRule } from './delta-rule.js';
import type { Emitter } from './dispatch-matrix.js';
import type { ExpertEmitter } from './emit-experts.js';
import { emitRoute } from './emit-route.js';
import {
  emitAdd,
  emitEmbed,
  emitInput,
  emitLinear,
  emitMultiplyGated,
  emitNorm,
  emitSelect,
} from './emit-rows.js';
import type { Fusion } from './fuse.js';
import type { GraphNode } from './graph.js';
import { emitLatentAttention } from './latent.js';
import type { Results } from './results.js';
import { emitSelectiveScan } from './selective-scan.js';

/** What the emitters of one program work with. */
export interface Lowering {
  readonly emitter: Emitter;
  readonly results: Results;
  readonly experts: ExpertEmitter;
  readonly fusion: Fusion;
  /** The buffer that says whether all router logits were finite. */
  readonly status: GPUBuffer;
  /** Bytes of workgroup memory that the device has. */
  readonly workgroupMemory: number;
}

interface KindOfOperation<Kind extends OperationKind> {
  emit(lowering: Lowering, node: GraphNode<Kind>): void;
  /**
   * `none`: runs where its result is wanted. `cache`: writes to a cache, so it runs in any case. `status`: runs in any case
   * and can fail on the device, which the status says afterwards.
   */
  readonly effect: 'none' | 'cache' | 'status';
}

const kinds: { readonly [Kind in OperationKind]: KindOfOperation<Kind> } = {
  input: { emit: ({ emitter, results }, node) => emitInput(emitter, node, results), effect: 'none' },
  embed: { emit: ({ emitter, results }, node) => emitEmbed(emitter, node, results), effect: 'none' },
  norm: { emit: ({ emitter, results }, node) => emitNorm(emitter, node, results), effect: 'none' },
  linear: { emit: ({ emitter, results }, node) => emitLinear(emitter, node, results), effect: 'none' },
  add: { emit: ({ emitter, results }, node) => emitAdd(emitter, node, results), effect: 'none' },
  attention: {
    emit: ({ emitter, results, workgroupMemory }, node) =>
      emitAttention(emitter, node, results, workgroupMemory),
    effect: 'cache',
  },
  latentAttention: {
    emit: ({ emitter, results, workgroupMemory }, node) =>
      emitLatentAttention(emitter, node, results, workgroupMemory),
    effect: 'cache',
  },
  convolution: {
    emit: ({ emitter, results }, node) => emitConvolution(emitter, node, results),
    effect: 'cache',
  },
  selectiveScan: {
    emit: ({ emitter, results }, node) => emitSelectiveScan(emitter, node, results),
    effect: 'cache',
  },
  deltaRule: {
    emit: ({ emitter, results }, node) => emitDeltaRule(emitter, node, results),
    effect: 'cache',
  },
  route: {
    emit: ({ emitter, results, fusion, status }, node) =>
      emitRoute(emitter, node, results, fusion.absorbed, status),
    effect: 'status',
  },
  experts: { emit: ({ experts }, node) => experts.experts(node), effect: 'none' },
  mlp: { emit: ({ experts }, node) => experts.mlp(node), effect: 'none' },
  multiplyGated: {
    emit: ({ emitter, results }, node) => emitMultiplyGated(emitter, node, results),
    effect: 'none',
  },
  select: { emit: ({ emitter, results }, node) => emitSelect(emitter, node, results), effect: 'none' },
};

export function effectOf({ operation }: GraphNode): 'none' | 'cache' | 'status' {
  return kinds[operation.kind].effect;
}

export function emit<Kind extends OperationKind>(lowering: Lowering, node: GraphNode<Kind>): void {
  kinds[node.operation.kind].emit(lowering, node);
}
