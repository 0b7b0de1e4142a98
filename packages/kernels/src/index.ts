export type {
  Activation,
  Activations,
  AttentionSpec,
  Backend,
  ExpertWeights,
  KvCache,
  KvCacheSpec,
  MatrixData,
  MlpData,
  MlpWeights,
  NormSpec,
  RopeSpec,
  RoutingHandle,
  Segment,
  Step,
  Vector,
  Weight,
} from './backend.js';
export { floatMatrixDTypes } from './backend.js';
export { Handles } from './handles.js';
export type { LoadPlan, MatrixHead, MemoryNeed, MlpHead } from './load-plan.js';
export { headOf } from './load-plan.js';
export type { BackendObjects } from './objects.js';
export { makeObjects } from './objects.js';
export { referenceBackend } from './reference/backend.js';
export { ropeOfSegment, rotationAt } from './rotation.js';
export type { AttentionWidths } from './shapes.js';
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
