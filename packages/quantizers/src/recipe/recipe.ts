// A recipe ready for use: data checked, quantizers made.
import { MoeqError, quote } from '@moeq/tensors';
import { validate } from '../options.js';
import type { Quantizer } from '../quantizer.js';
import { quantizerLookup } from '../quantizers.js';
import { type Places, type QuantizerData, type RecipeData, type RuleData, recipeSchema } from './data.js';
import { namedRecipes } from './named.js';
import { routerRefusal } from './router-refusal.js';
import { skipTest } from './skip-modules.js';

export interface Rule {
  /** As written. */
  readonly data: RuleData;
  readonly quantizer: Quantizer | 'keep';
}

export interface Recipe {
  readonly name: string;
  /** The first that fits decides. */
  readonly rules: readonly Rule[];
  /** Whether a module is kept whatever the rules say. */
  readonly skips: (module: string) => boolean;
  /** Warnings for its user. */
  readonly notes: readonly string[];
  /** As written, for records. */
  readonly data: RecipeData;
}

export interface RecipeOptions {
  /** Quantizers of the user, found by name beside the built-in ones. */
  readonly quantizers?: readonly Quantizer[];
  /** A recipe that quantizes a router is refused unless this is true. */
  readonly allowRouterQuantization?: boolean;
}

/**
 * @param value a recipe's data, or the name of a built-in one
 * @throws MoeqError for unknown keys, roles and names, for options that a quantizer does not take, for a rule that quantizes
 * the router, and for one that quantizes what stands beside the decoder
 */
export function parseRecipe(value: unknown, options: RecipeOptions = {}): Recipe {
  const data = validate(
    recipeSchema,
    typeof value === 'string' ? named(value) : value,
    'read the recipe',
    'recipe',
  );
  const find = quantizerLookup(options.quantizers);
  const quantizerOf = (rule: QuantizerData): Quantizer | 'keep' => {
    if (rule === 'keep') return 'keep';
    const { name, doubleQuant, ...own } = rule;
    return find(name, own, doubleQuant);
  };
  const rules = data.rules.map((rule): Rule => {
    assertPlaces(rule.layer);
    assertPlaces(rule.expert);
    return { data: rule, quantizer: quantizerOf(rule.quantizer) };
  });
  const routerRule = rules.find(
    ({ data: rule, quantizer }) => quantizer !== 'keep' && listOf(rule.role).includes('router'),
  );
  if (routerRule !== undefined && options.allowRouterQuantization !== true) {
    throw routerRefusal({
      operation: 'use the recipe',
      subject: `recipe ${quote(data.name)}`,
      found: `a rule that quantizes it to ${(routerRule.quantizer as Quantizer).name}`,
    });
  }
  const otherRule = rules.find(
    ({ data: rule, quantizer }) => quantizer !== 'keep' && listOf(rule.role).includes('other'),
  );
  if (otherRule !== undefined) {
    throw new MoeqError({
      operation: 'use the recipe',
      subject: `recipe ${quote(data.name)}`,
      expected: 'role other to be kept, tensors beside the decoder whose use is not known',
      found: `a rule that quantizes it to ${(otherRule.quantizer as Quantizer).name}`,
    });
  }
  return { name: data.name, rules, skips: skipTest(data.skipModules ?? []), notes: [], data };
}

/** The built-in recipes by name, ready for `resolve`. */
export const recipes = Object.freeze(
  Object.fromEntries(namedRecipes.map((data) => [data.name, parseRecipe(data)])),
) as Readonly<Record<(typeof namedRecipes)[number]['name'], Recipe>>;

/** A value that may stand alone or in a list, as a list. */
export function listOf<Item>(value: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(value) ? (value as readonly Item[]) : [value as Item];
}

function named(name: string): RecipeData {
  const data = namedRecipes.find((recipe) => recipe.name === name);
  if (data !== undefined) return data;
  throw new MoeqError({
    operation: 'find the recipe',
    subject: 'recipe',
    expected: `one of ${namedRecipes.map((recipe) => recipe.name).join(', ')}`,
    found: quote(name),
  });
}

function assertPlaces(places: Places | undefined): void {
  if (typeof places !== 'object' || !('from' in places) || places.from <= places.to) return;
  throw new MoeqError({
    operation: 'read the recipe',
    subject: 'recipe',
    expected: 'a range whose `from` is at most its `to`',
    found: `${places.from} to ${places.to}`,
  });
}
