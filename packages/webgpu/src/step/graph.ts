// What a step records: operations as nodes that point to their inputs. Nothing runs until something is read, so that
// neighbours can be joined and what nobody reads is never computed.
//
// Shapes: T tokens (rows), D hidden, N rows, K columns, E experts, A experts per token.
import type { Activation, AttentionSpec, Segment } from '@moeq/kernels';
import type { RouteSpec } from '@moeq/router';
import type { StoredExperts, StoredWeight } from '../weights/store.js';
import type { StoredCache } from './kv-cache.js';
import type { Slot } from './program.js';

export interface StoredVector {
  readonly length: number;
  readonly buffer: GPUBuffer;
}

export type Operation =
  | { readonly kind: 'input'; readonly values: Float32Array }
  | { readonly kind: 'embed'; readonly table: StoredWeight; readonly ids: Int32Array; readonly scale: number }
  | { readonly kind: 'norm'; readonly x: Node; readonly weight: StoredVector; readonly epsilon: number }
  | {
      readonly kind: 'linear';
      readonly x: Node;
      readonly weight: StoredWeight;
      readonly bias: StoredVector | null;
    }
  | { readonly kind: 'add'; readonly a: Node; readonly b: Node; readonly scale: number }
  | {
      readonly kind: 'attention';
      readonly x: Node;
      readonly cache: StoredCache;
      readonly layer: number;
      readonly segments: readonly Segment[];
      readonly spec: AttentionSpec;
      readonly norms: { readonly query: StoredVector | null; readonly key: StoredVector | null };
      /** CV */
      readonly valueDim: number;
    }
  | { readonly kind: 'route'; readonly x: Node; readonly spec: RouteSpec; readonly bias: StoredVector | null }
  | {
      readonly kind: 'experts';
      readonly x: Node;
      readonly routing: Node;
      readonly weights: StoredExperts;
      readonly activation: Activation;
    }
  | {
      readonly kind: 'mlp';
      readonly x: Node;
      readonly weights: StoredExperts;
      readonly activation: Activation;
      readonly gate: StoredWeight | null;
    }
  | { readonly kind: 'select'; readonly x: Node; readonly rows: Int32Array };

export type OperationOf<Kind extends Operation['kind']> = Operation & { readonly kind: Kind };

export class Node<Op extends Operation = Operation> {
  readonly operation: Op;
  /** T */
  readonly rows: number;
  /** Columns of the result; 2 A words for a routing. */
  readonly columns: number;
  readonly consumers: Node[] = [];
  /** Ran, or was joined into one that ran. */
  executed = false;
  /** Where the result is; null before and after. */
  slot: Slot | null = null;

  constructor(operation: Op, rows: number, columns: number) {
    this.operation = operation;
    this.rows = rows;
    this.columns = columns;
    for (const input of inputsOf(operation)) input.consumers.push(this);
  }

  /** The result can be read as it is. */
  get ready(): boolean {
    return this.slot !== null && this.slot.buffer !== null;
  }

  get bytes(): number {
    return 4 * this.rows * this.columns;
  }
}

export function inputsOf(operation: Operation): Node[] {
  switch (operation.kind) {
    case 'input':
    case 'embed':
      return [];
    case 'add':
      return [operation.a, operation.b];
    case 'experts':
      return [operation.x, operation.routing];
    default:
      return [operation.x];
  }
}

export function isKind<Kind extends Operation['kind']>(
  node: Node,
  kind: Kind,
): node is Node<OperationOf<Kind>> {
  return node.operation.kind === kind;
}
