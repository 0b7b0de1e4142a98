// A recipe as data: which format each role gets. This is what a recipe file holds.
//
//   { "name": "mine", "rules": [
//       { "role": "expert", "layer": { "from": 0, "to": 3 }, "quantizer": "keep" },
//       { "role": ["expert", "sharedExpert"], "quantizer": { "name": "nf4", "blockSize": 64, "doubleQuant": true } } ] }
//
// Rules are tried in order and the first that fits decides, so exceptions stand above what they are excepted from. What no
// rule fits is kept.
import * as v from 'valibot';
import { strict } from '../options.js';
import { projections, roles } from '../role.js';

const oneOrMore = <const Names extends readonly string[]>(names: Names) => {
  const item = v.picklist(names);
  const list = v.pipe(v.array(item), v.minLength(1, 'at least one'));
  return v.union([item, list], `one of ${names.join(', ')}, or a list of them`);
};

const index = v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(0, 'a number from 0'));

/** A place or places, counted from 0; `to` is included. */
const places = v.union(
  [index, v.pipe(v.array(index), v.minLength(1, 'at least one')), strict({ from: index, to: index })],
  'an index, a list of them, or { from, to }',
);

/** `doubleQuant` wraps the quantizer; all other keys are its options. */
const quantizerSchema = v.union(
  [
    v.literal('keep'),
    v.objectWithRest(
      {
        name: v.string(),
        doubleQuant: v.optional(v.union([v.boolean(), v.looseObject({})], 'true, false or { blockSize }')),
      },
      v.unknown(),
    ),
  ],
  "'keep' or { name, ...options }",
);

const ruleSchema = strict({
  role: oneOrMore(roles),
  layer: v.optional(places),
  projection: v.optional(oneOrMore(projections)),
  expert: v.optional(places),
  quantizer: quantizerSchema,
});

export const recipeSchema = strict({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9][a-z0-9-]{0,63}$/, 'lower case letters, digits and hyphens')),
  rules: v.array(ruleSchema),
  /** Modules that are kept whatever the rules say, as transformers' llm_int8_skip_modules names them. */
  skipModules: v.optional(v.array(v.string())),
});

export type RecipeData = v.InferInput<typeof recipeSchema>;
export type RuleData = v.InferInput<typeof ruleSchema>;
export type QuantizerData = v.InferInput<typeof quantizerSchema>;
export type Places = v.InferOutput<typeof places>;
