// Conversion of checkpoints in a file system.

export type { GgufOptions } from './node/convert-to-gguf.js';
export { convertToGguf } from './node/convert-to-gguf.js';
export type { MergeOptions } from './node/merge.js';
export { mergeParts } from './node/merge.js';
export type { QuantizeOptions, QuantizeProgress } from './node/options.js';
export { loadPlugins } from './node/plugin.js';
export { quantizeCheckpoint } from './node/quantize-checkpoint.js';
export type { RecipeSource } from './node/recipe-file.js';
export { loadRecipe } from './node/recipe-file.js';
