// The parts of the package that need a file system.
import { assertNode } from './node/node-version.js';

export { writeFileAtomic } from './node/atomic-file.js';
export type { CheckpointWriter, CheckpointWriterOptions } from './node/checkpoint-writer.js';
export { createCheckpointWriter } from './node/checkpoint-writer.js';
export { fileSource, openSafetensorsFile } from './node/file-source.js';
export type { GgufWriter, GgufWriterOptions } from './node/gguf-writer.js';
export { createGgufWriter } from './node/gguf-writer.js';
export { assertNode } from './node/node-version.js';
export type { WrittenFile } from './node/shard-file.js';
export type { PlannedTensor } from './node/shard-plan.js';

assertNode(process.versions.node);
