// Formats for weights, recipes that say which role gets which, and the forms in which checkpoints hold them.

export { bitsandbytesGroups, fromBitsandbytes } from './bitsandbytes/read.js';
export { toBitsandbytes } from './bitsandbytes/write.js';
export { assertFinite } from './check.js';
export { doubleQuant } from './double-quant.js';
export { fp4 } from './fp4.js';
export type { Int4Options } from './int4.js';
export { int4 } from './int4.js';
export type { Int8Options } from './int8.js';
export { int8 } from './int8.js';
export { nf4 } from './nf4.js';
export type { QuantizeContext, Quantizer } from './quantizer.js';
export { assertQuantizer } from './quantizer-object.js';
export type { QuantizerData, RecipeData, RuleData } from './recipe/data.js';
export type { Recipe, RecipeOptions, Rule } from './recipe/recipe.js';
export { parseRecipe, recipes } from './recipe/recipe.js';
export { resolve } from './recipe/resolve.js';
export type { Projection, Role, TensorFacts } from './role.js';
export { projections, roles } from './role.js';
