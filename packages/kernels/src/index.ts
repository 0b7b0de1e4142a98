export type {
  Backend,
  ExpertWeights,
  KvCache,
  KvCacheSpec,
  MatrixData,
  MlpData,
  MlpWeights,
  Vector,
  Weight,
} from './backend.js';
export { floatMatrixDTypes } from './backend.js';
export type { LoadPlan, MatrixHead, MemoryNeed, MlpHead } from './load-plan.js';
export { headOf } from './load-plan.js';
export type { BackendObjects } from './objects.js';
export { makeObjects } from './objects.js';
export { referenceBackend } from './reference/backend.js';
export type { Rotations } from './rotation.js';
export { ropeOfSegment, rotationsOf } from './rotation.js';
// For the backend that still checks for itself.
export {
  assertExpertCount,
  assertIndices,
  assertKvCacheSpec,
  assertSegments,
  assertSize,
  attentionWidths,
  inputColumns,
  mlpShape,
  unseenPages,
  weightShape,
} from './shapes.js';
export { checkedBackend } from './shell/checked-backend.js';
export { Handles } from './shell/handles.js';
export type { Operation, OperationKind, OperationOf, OperationTable } from './shell/operations.js';
export { inputsOf } from './shell/operations.js';
export type { BackendTypes, Loaded, RawBackend, RawStep } from './shell/raw-backend.js';
export type {
  Activation,
  Activations,
  AttentionSpec,
  NormSpec,
  RopeSpec,
  RoutingHandle,
  Segment,
  Step,
} from './step.js';
