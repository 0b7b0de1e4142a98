// A recipe as people name it: a built-in one, a quantizer of a plugin for all experts, or a file that holds a recipe or a
// BitsAndBytesConfig of transformers.
import { readFile } from 'node:fs/promises';
import { type Quantizer, recipes } from '@moeq/quantizers';
import { isObject, MoeqError, quote } from '@moeq/tensors';
import { importDefault } from './module-file.js';

const operation = 'read the recipe';

/** The name of a built-in recipe, or the data of a recipe or BitsAndBytesConfig. */
export type RecipeSource = string | Readonly<Record<string, unknown>>;

/**
 * What `quantizeCheckpoint` and `openModel` of @moeq/loader take as a recipe.
 * @param name a built-in recipe, the name of one of `quantizers`, or a path that ends in .json, .mjs or .js. Modules are
 *   code and run; their default export is the recipe's data.
 * @throws MoeqError when there is no such recipe or file; whether its content is a recipe is seen when it is used
 */
export async function loadRecipe(name: string, quantizers: readonly Quantizer[] = []): Promise<RecipeSource> {
  if (/\.json$/.test(name)) return asObject(await readJson(name), name);
  if (/\.m?js$/.test(name)) return asObject(await importDefault(name, operation), name);
  const own = quantizers.some((quantizer) => quantizer.name === name);
  const builtIn = Object.hasOwn(recipes, name);
  if (builtIn && !own) return name;
  if (own && !builtIn) return { name, rules: [{ role: 'expert', quantizer: { name } }] };
  const known = [...Object.keys(recipes), ...quantizers.map((quantizer) => quantizer.name)];
  throw new MoeqError({
    operation,
    subject: `recipe ${quote(name)}`,
    expected: `one of ${known.join(', ')}, or a file that ends in .json or .mjs`,
    found: own ? 'a name that a plugin and a built-in recipe share' : 'none of them',
  });
}

async function readJson(path: string): Promise<unknown> {
  const fail = (found: string, cause: unknown): never => {
    throw new MoeqError({ operation, subject: path, expected: 'a file of JSON', found, cause });
  };
  const text = await readFile(path, 'utf8').catch((cause: unknown) =>
    fail('no file that can be read', cause),
  );
  try {
    return JSON.parse(text);
  } catch (cause) {
    return fail(`text that begins with ${quote(text, 24)}`, cause);
  }
}

function asObject(value: unknown, path: string): Readonly<Record<string, unknown>> {
  if (isObject(value)) return { ...value };
  throw new MoeqError({
    operation,
    subject: path,
    expected: 'an object that holds a recipe',
    found: quote(value),
  });
}
