// Checkpoints in folders.

export type { FolderOptions } from './node/folder.js';
export { folder } from './node/folder.js';
