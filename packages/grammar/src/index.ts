export type { Grammar } from './grammar.js';
export { jsonObjectGrammar, jsonSchemaGrammar } from './json-schema.js';
export type { Constraint, Vocabulary } from './token-grammar.js';
export { TokenGrammar, TokenTable } from './token-grammar.js';
