// What a conversion would do to a checkpoint, and what a checkpoint is made of. Works on headers, in any environment.

export type { CheckpointSummary, TensorSummary } from './describe.js';
export { describeCheckpoint } from './describe.js';
