// Which quantizer a tensor gets. Vectors (biases, norms), stacked ones included, are always kept, since there is nothing to save on
// them; so are tensors beside the decoder. A rule says everything or nothing about a tensor; one that names a part of a fused
// tensor is an error.
import { MoeqError } from '@moeq/tensors';
import type { Quantizer } from '../quantizer.js';
import { isMatrix, type Projection, type TensorFacts } from '../role.js';
import type { Places } from './data.js';
import { listOf, type Recipe, type Rule } from './recipe.js';
import { moduleOf } from './skip-modules.js';

/**
 * What the first rule that fits says; null where none does. `keep` for what no rule is asked about.
 * @throws MoeqError when a rule picks single experts or projections of a tensor that holds several fused
 */
export function resolve(recipe: Recipe, facts: TensorFacts): Quantizer | 'keep' | null {
  if (facts.role === 'other' || !isMatrix(facts) || recipe.skips(moduleOf(facts.name))) return 'keep';
  return recipe.rules.find((rule) => fits(rule, facts, recipe.name))?.quantizer ?? null;
}

function fits({ data }: Rule, facts: TensorFacts, recipe: string): boolean {
  if (!listOf(data.role).includes(facts.role)) return false;
  if (data.layer !== undefined && (facts.layer === undefined || !includes(data.layer, facts.layer)))
    return false;
  if (data.projection !== undefined && !fitsProjection(listOf(data.projection), facts, recipe)) return false;
  if (data.expert === undefined) return true;
  if (facts.expert !== undefined) return includes(data.expert, facts.expert);
  if (facts.role !== 'expert') return false;
  throw fused(recipe, facts, 'experts');
}

function fitsProjection(wanted: readonly Projection[], facts: TensorFacts, recipe: string): boolean {
  if (facts.projection === undefined) return false;
  const covered = (projection: Projection) => wanted.includes(projection);
  if (covered(facts.projection)) return true;
  if (facts.projection === 'gateProj' || facts.projection === 'upProj') return covered('gateUpProj');
  if (facts.projection !== 'gateUpProj') return false;
  if (covered('gateProj') !== covered('upProj')) throw fused(recipe, facts, 'gate and up projections');
  return covered('gateProj');
}

function includes(places: Places, place: number): boolean {
  if (typeof places === 'number') return place === places;
  return 'from' in places ? place >= places.from && place <= places.to : places.includes(place);
}

function fused(recipe: string, facts: TensorFacts, parts: string): MoeqError {
  return new MoeqError({
    operation: `apply the recipe ${recipe}`,
    subject: facts.name,
    expected: `a rule for all of its ${parts}, which this tensor holds fused`,
    found: 'a rule for some of them',
  });
}
