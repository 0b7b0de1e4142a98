// Checkpoints of Mixture-of-Experts models: what they hold, by role, and their weights as the runtime asks for them.

export type { Checkpoint, CheckpointTensor } from './checkpoint/checkpoint.js';
export type { LoadedTensor, LoadReport } from './checkpoint/matrix-stage.js';
export type { CheckpointOptions } from './checkpoint/open-checkpoint.js';
export { openCheckpoint } from './checkpoint/open-checkpoint.js';
export { describeOthers } from './checkpoint/others-text.js';
export type { Architecture, TensorNames } from './config/architecture.js';
export { architectures } from './config/architectures.js';
export type { FileSet } from './files/file-set.js';
export type { FileUrls } from './files/http-files.js';
export { httpFiles } from './files/http-files.js';
export type { HubOptions } from './files/hub.js';
export { hubFiles } from './files/hub.js';
export type { ModelReference } from './files/model-reference.js';
export { parseModelReference } from './files/model-reference.js';
export { partFileName } from './files/part-file.js';
export type { GgufArchitecture, GgufField } from './gguf/architectures.js';
export { ggufModelTypes } from './gguf/architectures.js';
export { architectureOf as ggufArchitectureOf, metadataOf as ggufDecoderMetadata } from './gguf/config.js';
export { ggufFiles } from './gguf/files.js';
export { ggufNames } from './gguf/names.js';
export { partsOf as ggufPartsOf } from './gguf/part-names.js';
export { permutedHeads as ggufPermutedHeads, rowOfGguf } from './gguf/rows.js';
export { tokenizerMetadata as ggufTokenizerMetadata } from './gguf/write-tokenizer.js';
export type { OpenedModel, OpenOptions } from './model-source.js';
export { openModelFiles } from './model-source.js';
export type { OpenUrlOptions } from './open-model.js';
export { openModel } from './open-model.js';
