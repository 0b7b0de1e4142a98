import { expect, test } from 'vitest';
import { parseRecipe, recipes } from './recipe.js';
import { resolve } from './resolve.js';
import { withoutExperts } from './without-experts.js';

const facts = {
  name: 'model.layers.1.mlp.up_proj.weight',
  shape: [64, 64],
  layer: 1,
  projection: 'upProj',
} as const;
const dense = { ...facts, role: 'denseMlp' } as const;

test('what a recipe says of experts is said of dense MLPs, with a note', () => {
  for (const recipe of [recipes.nf4, recipes.int4, recipes.int8, recipes.mixed]) {
    expect(resolve(recipe, dense)).toBeNull();
    const own = withoutExperts(recipe);
    expect(resolve(own, dense)).toBe(resolve(recipe, { ...facts, role: 'expert' }));
    expect(resolve(own, { ...facts, role: 'attention' })).toBe(
      resolve(recipe, { ...facts, role: 'attention' }),
    );
    expect(own.notes).toEqual([
      `the model has no experts: the recipe ${recipe.name} does to its dense MLPs what it says of experts`,
    ]);
    expect(own.data).toBe(recipe.data);
  }
});

test('a recipe that names dense MLPs, or no experts, stays as it is; a rule for one expert is for none', () => {
  const attention = parseRecipe({ name: 'own', rules: [{ role: 'attention', quantizer: 'keep' }] });
  for (const recipe of [recipes['nf4-all'], attention]) expect(withoutExperts(recipe)).toBe(recipe);
  const rules = [
    { role: 'expert', expert: 0, quantizer: { name: 'int8' } },
    { role: 'expert', layer: 1, quantizer: 'keep' },
  ];
  expect(resolve(withoutExperts(parseRecipe({ name: 'own', rules })), dense)).toBe('keep');
});
