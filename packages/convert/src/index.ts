// What a conversion would do to a checkpoint, and what a checkpoint is made of. Works on headers, in any environment.

export type { CheckpointSummary, TensorSummary } from './describe.js';
export { describeCheckpoint } from './describe.js';
export { ggufRecipeNames } from './gguf/recipe.js';
export type { ConversionPlan, PlanOptions, TensorPlan } from './plan.js';
export { planConversion } from './plan.js';
export type { Coverage, QuantizeReport, RoleSummary, TensorError, WrittenFile } from './report.js';
