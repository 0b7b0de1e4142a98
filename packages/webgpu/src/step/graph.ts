// What a step records: operations as nodes that point to their inputs. Nothing runs until something is read, so that
// neighbours can be joined and what has no reader is never computed.
import * as kernels from '@moeq/kernels';
import type { StoredExperts, StoredVector, StoredWeight } from '../weights/store.js';
import type { StoredCache } from './kv-cache.js';
import type { Transient } from './program.js';
import type { StoredStates } from './state-cache.js';

/** What the backend keeps behind the objects that it hands out. */
export interface GpuTypes {
  readonly node: GraphNode;
  readonly weight: StoredWeight;
  readonly experts: StoredExperts;
  readonly mlp: StoredExperts;
  readonly vector: StoredVector;
  readonly heads: StoredWeight;
  readonly cache: StoredCache;
  readonly state: StoredStates;
}

export type Kind = kernels.OperationKind;
export type OperationOf<Each extends Kind> = kernels.OperationOf<GpuTypes, Each>;

export class GraphNode<Each extends Kind = Kind> {
  readonly operation: OperationOf<Each>;
  /** T */
  readonly rows: number;
  /** Columns of the result; 2 A words for a routing. */
  readonly columns: number;
  /** Results of other nodes that it reads. */
  readonly inputs: readonly GraphNode[];
  readonly consumers: GraphNode[] = [];
  /** Ran, or was joined into one that ran. */
  executed = false;
  /** Where the result is; null before and after. */
  result: Transient | null = null;

  constructor(operation: OperationOf<Each>, rows: number, columns: number) {
    this.operation = operation;
    this.rows = rows;
    this.columns = columns;
    this.inputs = kernels.inputsOf<GpuTypes, Each>(operation);
    for (const input of this.inputs) input.consumers.push(this);
  }

  /** The result can be read as it is. */
  get ready(): boolean {
    return this.result !== null && this.result.buffer !== null;
  }

  get bytes(): number {
    return 4 * this.rows * this.columns;
  }
}

export function isKind<Each extends Kind>(node: GraphNode, kind: Each): node is GraphNode<Each> {
  return node.operation.kind === kind;
}
