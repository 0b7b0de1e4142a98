// What the checked operations of a step share: the nodes behind its handles, and how a new one is kept.

import type { Vector } from '../resources.js';
import { assertSize } from '../shapes/assert.js';
import type { Activations, RoutingHandle } from '../step.js';
import type { Handles } from './handles.js';
import type { BackendObjects, BackendTypes } from './objects.js';
import type { OperationKind, OperationOf } from './operands.js';

/** What a step has handed out. */
export interface StepNodes<T extends BackendTypes> {
  readonly live: Handles<Activations, T['node']>;
  readonly routings: Handles<RoutingHandle, T['node']>;
  /** @throws MoeqError `stepEnded` */
  checkOpen(): void;
  record<Kind extends OperationKind>(
    operation: OperationOf<T, Kind>,
    rows: number,
    columns: number,
  ): T['node'];
}

/** How operations find what is behind their operands, and keep what they give. */
export interface Nodes<T extends BackendTypes> {
  /** @throws MoeqError `stepEnded`, or for a handle of another step */
  of(x: Activations): T['node'];
  /** @throws MoeqError for a released vector, or one of another length */
  vector(operation: string, subject: string, length: number, handle: Vector): T['vector'];
  keep<Kind extends OperationKind>(
    operation: OperationOf<T, Kind>,
    rows: number,
    columns: number,
  ): Activations;
}

export function nodesOf<T extends BackendTypes>(
  objects: BackendObjects<T>,
  { live, checkOpen, record }: StepNodes<T>,
): Nodes<T> {
  return {
    of(x) {
      checkOpen();
      return live.get(x);
    },
    vector(operation, subject, length, handle) {
      const data = objects.vectors.get(handle);
      assertSize(operation, subject, length, handle.length);
      return data;
    },
    keep: (operation, rows, columns) => live.add({ rows, columns }, record(operation, rows, columns)),
  };
}
