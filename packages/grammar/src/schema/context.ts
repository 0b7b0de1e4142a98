// What the parts of a compilation share: the document, rules by the schemas that they are of, and what may still be spent.
import type { Automaton } from '../automata/explore.js';
import type { Rule } from '../rule.js';
import type { Blanks } from '../rules/blanks.js';
import type { JsonRules } from '../rules/json.js';
import type { SchemaDocument } from './document.js';
import type { Item } from './items.js';

export interface Context {
  readonly document: SchemaDocument;
  readonly json: JsonRules;
  readonly blanks: Blanks;
  /** A format that is not known is an error. */
  readonly strictFormats: boolean;
  /** Formats that are not known and hold no text to anything. */
  readonly annotations: Set<string>;
  /**
   * The rule of schemas that hold together, compiled later.
   * @param canonical each value has one spelling
   */
  rule(items: readonly Item[], canonical?: boolean): Rule;
  /** A rule that is made here and now. */
  add<T extends Rule>(rule: T): T;
  /** Automata by what they are of. */
  readonly automata: Map<string, Automaton | null>;
  /** Adds to the bytes that the grammar holds. */
  remember(bytes: number): void;
  /** Checks that an automaton still fits the bounds of a compilation. @throws MoeqError beyond */
  charge(automaton: Automaton, path: string): void;
  /** Counts parts of expressions that were looked at. @throws MoeqError beyond what one schema may cost */
  work(parts: number, path: string): void;
  /** Counts schemas that are looked at together with others. @throws MoeqError beyond what one schema may cost */
  combine(schemas: number, path: string): void;
  /** Looked at once all rules are there. */
  readonly checks: (() => void)[];
}
