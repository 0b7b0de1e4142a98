// A recipe for a model without experts: its dense MLPs are to it what experts are to others, most of the weights.
import { listOf, type Recipe } from './recipe.js';

/**
 * The recipe, in which what a rule says of experts is said of dense MLPs too; as it is where a rule names those. Its record
 * stays as written.
 */
export function withoutExperts(recipe: Recipe): Recipe {
  const has = (role: string) =>
    recipe.rules.some(({ data }) => listOf(data.role).some((each) => each === role));
  if (has('denseMlp') || !has('expert')) return recipe;
  const rules = recipe.rules.map((rule) => {
    const own = listOf(rule.data.role);
    if (!own.includes('expert')) return rule;
    return { ...rule, data: { ...rule.data, role: [...own, 'denseMlp' as const] } };
  });
  const note = `the model has no experts: the recipe ${recipe.name} does to its dense MLPs what it says of experts`;
  return { ...recipe, rules, notes: [...recipe.notes, note] };
}
