// Checkpoints of Mixture-of-Experts models: what they hold, by role, and their weights as the runtime asks for them.

export type { Architecture, TensorNames } from './architecture.js';
export { architectures } from './architectures.js';
export type { Checkpoint, CheckpointTensor } from './checkpoint.js';
export type { FileSet } from './file-set.js';
export type { GgufArchitecture, GgufField } from './gguf/architectures.js';
export { ggufModelTypes } from './gguf/architectures.js';
export { architectureOf as ggufArchitectureOf, metadataOf as ggufDecoderMetadata } from './gguf/config.js';
export { ggufFiles } from './gguf/files.js';
export { ggufNames } from './gguf/names.js';
export { partsOf as ggufPartsOf } from './gguf/part-names.js';
export { permutedHeads as ggufPermutedHeads, rowOfGguf } from './gguf/rows.js';
export { tokenizerMetadata as ggufTokenizerMetadata } from './gguf/write-tokenizer.js';
export type { FileUrls } from './http-files.js';
export { httpFiles } from './http-files.js';
export type { HubOptions } from './hub.js';
export { hubFiles } from './hub.js';
export type { LoadedTensor, LoadReport } from './matrix-stage.js';
export type { ModelReference } from './model-reference.js';
export { parseModelReference } from './model-reference.js';
export type { OpenedModel, OpenOptions } from './model-source.js';
export { openModelFiles } from './model-source.js';
export type { CheckpointOptions } from './open-checkpoint.js';
export { openCheckpoint } from './open-checkpoint.js';
export type { OpenUrlOptions } from './open-model.js';
export { openModel } from './open-model.js';
export { describeOthers } from './others-text.js';
export { partFileName } from './part-file.js';
