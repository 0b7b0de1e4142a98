// Models and checkpoints in folders.

export type { FolderOptions } from './node/folder.js';
export { folder } from './node/folder.js';
export { openModel } from './node/open-model.js';
export type { PromptSourceOptions } from './node/prompt-source.js';
export { openPromptSource } from './node/prompt-source.js';
export { resolveModel } from './node/resolve-model.js';
