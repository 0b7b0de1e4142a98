export type { Activation, ActivationKind, ActivationNumbers } from './activation.js';
export { activationKinds, activationName, activationNumbers } from './activation.js';
export type { Backend } from './backend.js';
export type { HeadsHead, LoadPlan, MatrixHead, MemoryNeed, MlpHead } from './load-plan.js';
export { headOf } from './load-plan.js';
export { queryFactorAt, queryFactorsOf } from './query-factor.js';
export { referenceBackend } from './reference/backend.js';
export type {
  ExpertWeights,
  HeadWeights,
  KvCache,
  KvCacheSpec,
  MatrixData,
  MlpData,
  MlpWeights,
  StateCache,
  StateCacheSpec,
  Vector,
  Weight,
} from './resources.js';
export { floatMatrixDTypes } from './resources.js';
export type { Rotations } from './rotation.js';
export { rotationsOf } from './rotation.js';
export { unseenPages } from './shapes/attention.js';
export type { AttentionRow } from './shapes/attention-row.js';
export { attentionRow } from './shapes/attention-row.js';
export { checkedBackend } from './shell/checked-backend.js';
export type { BackendTypes, Loaded } from './shell/objects.js';
export type {
  Operation,
  OperationKind,
  OperationOf,
  OperationTable,
  ScanColumns,
} from './shell/operands.js';
export { inputsOf } from './shell/operands.js';
export type { RawBackend, RawStep } from './shell/raw-backend.js';
export type {
  Activations,
  AttentionGate,
  AttentionSpec,
  Columns,
  ConvolutionSpec,
  DeltaRuleInputs,
  DeltaRuleSpec,
  GroupColumns,
  GroupPlace,
  LatentSpec,
  NormSpec,
  QueryFactor,
  RopeSpec,
  RoutingHandle,
  RowNormSpec,
  ScanInputs,
  ScanSpec,
  Segment,
  StateSegment,
  Step,
} from './step.js';
