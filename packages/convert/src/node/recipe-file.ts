// A recipe as people name it: a built-in one, a quantizer of a plugin for all experts, or a file that holds a recipe or a
// BitsAndBytesConfig of transformers.
import { readFile } from 'node:fs/promises';
import { fromBitsAndBytesConfig, parseRecipe, type Recipe, type RecipeOptions, recipes } from '@moeq/quantizers';
import { MoeqError, quote } from '@moeq/tensors';
import { importDefault } from './module-file.js';

const operation = 'read the recipe';

/**
 * @param name a built-in recipe, a quantizer of `options.quantizers`, or a path that ends in .json, .mjs or .js. Modules are
 *   code and run; their default export is the recipe's data.
 * @throws MoeqError when there is no such recipe or file, or its content is no recipe
 */
export async function loadRecipe(name: string, options: RecipeOptions = {}): Promise<Recipe> {
  if (/\.json$/.test(name)) return parse(await readJson(name), options);
  if (/\.m?js$/.test(name)) return parse(await importDefault(name, operation), options);
  const own = options.quantizers?.some((quantizer) => quantizer.name === name) === true;
  const builtIn = Object.hasOwn(recipes, name);
  if (builtIn && !own) return parseRecipe(name, options);
  if (own && !builtIn) return parseRecipe({ name, rules: [{ role: 'expert', quantizer: { name } }] }, options);
  const known = [...Object.keys(recipes), ...(options.quantizers ?? []).map((quantizer) => quantizer.name)];
  throw new MoeqError({
    operation,
    subject: `recipe ${quote(name)}`,
    expected: `one of ${known.join(', ')}, or a file that ends in .json or .mjs`,
    found: own ? 'a name that a plugin and a built-in recipe share' : 'none of them',
  });
}

/** BitsAndBytesConfig is known by its fields; a recipe has none of them. */
function parse(data: unknown, options: RecipeOptions): Recipe {
  const config = typeof data === 'object' && data !== null && ('load_in_4bit' in data || 'load_in_8bit' in data);
  return config ? fromBitsAndBytesConfig(data) : parseRecipe(data, options);
}

async function readJson(path: string): Promise<unknown> {
  const fail = (found: string, cause: unknown): never => {
    throw new MoeqError({ operation, subject: path, expected: 'a file of JSON', found, cause });
  };
  const text = await readFile(path, 'utf8').catch((cause: unknown) => fail('no file that can be read', cause));
  try {
    return JSON.parse(text);
  } catch (cause) {
    return fail(`text that begins with ${quote(text, 24)}`, cause);
  }
}
