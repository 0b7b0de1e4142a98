// Which type each role gets in a GGUF file. Roles that a recipe does not name are kept as they are; routers, norms and
// biases are F32, which llama.cpp wants them in.
import { type Role, roles } from '@moeq/quantizers';
import { type GgufType, ggufType, ggufTypes, isQuantizable, MoeqError, quote } from '@moeq/tensors';

export interface GgufRecipe {
  readonly name: string;
  readonly types: Readonly<Partial<Record<Role, GgufType>>>;
}

const floats = ['F32', 'F16', 'BF16'];

/** Lower case, as in formats and on the command line. */
const namesOf = (fits: (type: GgufType) => boolean): readonly string[] =>
  ggufTypes.filter(fits).map(({ name }) => name.toLowerCase());

/** Recipes by name: types that experts get, all else kept, and types that everything gets. */
export const ggufRecipeNames = {
  experts: namesOf(isQuantizable),
  all: namesOf(({ name }) => floats.includes(name)),
};

const typeNames = [...ggufRecipeNames.all, ...ggufRecipeNames.experts];

/** Roles that a recipe may name; what stands beside the decoder has no name in llama.cpp. */
const choosable = roles.filter((role) => role !== 'router' && role !== 'norm' && role !== 'other');

/**
 * A recipe by name or as data: the name of a type, which experts get if it is a quantized one and all matrices if it is a
 * float one, or an object of types by role, e.g. `{ expert: 'iq4_nl', attention: 'q8_0' }`.
 * @throws MoeqError that lists what there is
 */
export function parseGgufRecipe(value: unknown = 'iq4_nl'): GgufRecipe {
  if (typeof value === 'string') {
    const type = typeOf(value, 'the recipe');
    const own: readonly Role[] = isQuantizable(type) ? ['expert'] : choosable;
    return { name: value, types: Object.fromEntries(own.map((role) => [role, type])) };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw recipeError('the recipe', 'the name of a type, or an object of types by role', quote(value));
  }
  const types: Partial<Record<Role, GgufType>> = {};
  for (const [role, name] of Object.entries(value)) {
    const known = choosable.find((one) => one === role);
    if (known === undefined) throw recipeError('the recipe', `roles ${choosable.join(', ')}`, quote(role));
    types[known] = typeOf(name, `role ${role}`);
  }
  return { name: 'gguf', types };
}

function typeOf(name: unknown, subject: string): GgufType {
  if (typeof name === 'string' && typeNames.includes(name)) return ggufType(name.toUpperCase());
  throw recipeError(subject, `one of ${typeNames.join(', ')}`, quote(name));
}

function recipeError(subject: string, expected: string, found: string): MoeqError {
  return new MoeqError({ operation: 'use the recipe for GGUF', subject, expected, found });
}
