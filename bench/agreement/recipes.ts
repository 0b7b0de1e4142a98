// The recipes under which backends are compared with the reference on tiny-moe; null: bfloat16, as it is stored.
import { parseRecipe, type RecipeData } from '@moeq/quantizers';

const fp4: RecipeData = { name: 'fp4', rules: [{ role: 'expert', quantizer: { name: 'fp4' } }] };

export const recipes: readonly (RecipeData | null)[] = [
  null,
  parseRecipe('nf4').data,
  fp4,
  parseRecipe('int4').data,
  parseRecipe('int8').data,
  parseRecipe('nf4-all').data,
];
