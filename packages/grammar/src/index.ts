export {
  compileJsonSchema,
  type GrammarOptions,
  jsonObjectGrammar,
  jsonSchemaGrammar,
  type SliceOptions,
} from './json-schema.js';
export type { Grammar } from './rule.js';
export type { Slicing } from './slices.js';
export { Constraint, TokenGrammar } from './token-grammar.js';
export { TokenTable, type Vocabulary } from './token-table.js';
