// A recipe from any of its forms: a recipe, its name, its data, or a BitsAndBytesConfig.
import { isObject } from '@moeq/tensors';
import { fromBitsAndBytesConfig } from './bitsandbytes-config.js';
import { parseRecipe, type Recipe, type RecipeOptions } from './recipe.js';

/**
 * @param value a recipe, its name or its data, or the JSON of a BitsAndBytesConfig
 * @throws MoeqError when it is none of them
 */
export function recipeFrom(value: unknown, options: RecipeOptions = {}): Recipe {
  if (isRecipe(value)) return value;
  return isObject(value) && !('rules' in value)
    ? fromBitsAndBytesConfig(value, { allowRouterQuantization: options.allowRouterQuantization === true })
    : parseRecipe(value, options);
}

/** What `parseRecipe` has made, rather than what it reads. */
function isRecipe(value: unknown): value is Recipe {
  return typeof value === 'object' && value !== null && 'skips' in value && typeof value.skips === 'function';
}
