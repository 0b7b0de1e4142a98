// Conversion of checkpoints in a file system.

export { loadPlugins } from './node/plugin.js';
export { loadRecipe } from './node/recipe-file.js';
