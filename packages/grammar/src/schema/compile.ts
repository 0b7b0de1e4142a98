// From a JSON schema to a grammar of the texts that fit it. Each place of the schema is compiled by itself, in the order
// in which the places are reached, so the work falls into small steps between which others may run; a place that is reached again
// is the same rule.
import type { Automaton } from '../automata/explore.js';
import type { Grammar, Rule } from '../rule.js';
import type { Blanks } from '../rules/blanks.js';
import { ChoiceRule } from '../rules/choice.js';
import { type JsonRules, jsonRules } from '../rules/json.js';
import { literalRule } from '../rules/literals.js';
import { stringRule } from '../rules/string.js';
import { Pace, type Pausing } from '../slices.js';
import { alternatives } from './alternatives.js';
import { arrayRule } from './arrays.js';
import type { Context } from './context.js';
import { SchemaDocument } from './document.js';
import { refuse } from './fields.js';
import { finish } from './finish.js';
import { type Item, type Joined, joined } from './items.js';
import { listedRule } from './literals.js';
import { excluded } from './negate.js';
import { numberRule } from './numbers.js';
import { objectRule } from './objects.js';
import { stringTexts } from './strings.js';
import { jointTypes, type ValueType, valueTypes } from './types.js';

/** Places of a schema and their combinations, some 1 kB each. */
const maxRules = 60_000;
/** Schemas in the combinations of a choice with what holds beside it, all together: about a second. */
const maxCombined = 400_000;
/** Parts of expressions that automata are made from: some seconds, in slices. */
const maxWork = 10_000_000;
/** Bytes of the automata of one grammar. */
const maxAutomataBytes = 16 * 2 ** 20;

export interface CompileOptions {
  /** What the schema is called in errors. */
  readonly subject: string;
  readonly blanks: Blanks;
  /** A format that is not known is an error. */
  readonly strictFormats: boolean;
}

/**
 * Pauses after every small step.
 * @throws MoeqError naming the keyword and its place that are not supported, impossible or malformed
 */
export function* compileSchema(schema: unknown, options: CompileOptions): Pausing<Grammar> {
  const { subject } = options;
  return yield* new SchemaCompiler(new SchemaDocument(schema, subject), options).compile({
    schema,
    path: subject,
    scope: [],
  });
}

interface Pending {
  readonly node: ChoiceRule;
  readonly items: readonly Item[];
  readonly canonical: boolean;
}

class SchemaCompiler implements Context {
  readonly document: SchemaDocument;
  readonly json: JsonRules;
  readonly blanks: Blanks;
  readonly strictFormats: boolean;
  readonly annotations = new Set<string>();
  readonly automata = new Map<string, Automaton | null>();
  readonly checks: (() => void)[] = [];
  readonly #rules: Rule[] = [];
  readonly #known = new Map<string, ChoiceRule>();
  readonly #pending: Pending[] = [];
  readonly #ids = new Map<unknown, number>();
  #bytes = 0;
  #remembered = 0;
  #work = 0;
  #combined = 0;

  constructor(document: SchemaDocument, { blanks, strictFormats }: CompileOptions) {
    this.document = document;
    this.blanks = blanks;
    this.strictFormats = strictFormats;
    this.json = jsonRules(blanks);
  }

  *compile(root: Item): Pausing<Grammar> {
    yield* this.document.index();
    const rule = this.rule([root]);
    for (const pending of this.#pending) {
      yield* this.#compileOne(pending);
      yield;
    }
    yield* finish(rule, this.#rules, this.checks);
    return {
      root: rule,
      rules: this.#rules,
      bytes: this.#bytes + this.#remembered + 1000 * this.#rules.length,
      annotations: [...this.annotations],
    };
  }

  rule(given: readonly Item[], canonical = false): Rule {
    const items = [...new Map(given.map((item) => [item.schema, item])).values()];
    if (items.length > 1) this.combine(items.length, items[0]?.path ?? '');
    const names = items.map(({ schema, scope }) =>
      [schema, ...scope].map((each) => this.#id(each)).join('<'),
    );
    const key = `${canonical ? 1 : 0}:${names.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    if (this.#rules.length >= maxRules) {
      throw refuse(items[0]?.path ?? '', `at most ${maxRules} schemas and combinations of them`, 'more');
    }
    const node = this.add(new ChoiceRule());
    this.#known.set(key, node);
    this.#pending.push({ node, items, canonical });
    return node;
  }

  add<T extends Rule>(rule: T): T {
    this.#rules.push(rule);
    return rule;
  }

  remember(bytes: number): void {
    this.#remembered += bytes;
  }

  charge({ table }: Automaton, path: string): void {
    this.#bytes += table.byteLength * 2;
    if (this.#bytes <= maxAutomataBytes) return;
    throw refuse(
      path,
      `automata of at most ${maxAutomataBytes} bytes in one schema (simpler patterns)`,
      this.#bytes,
    );
  }

  work(parts: number, path: string): void {
    this.#work += parts;
    if (this.#work > maxWork)
      throw refuse(path, 'fewer or simpler patterns and bounds in one schema', this.#work);
  }

  combine(schemas: number, path: string): void {
    this.#combined += schemas;
    if (this.#combined <= maxCombined) return;
    throw refuse(
      path,
      `combinations of at most ${maxCombined} schemas (fewer choices that hold side by side)`,
      'more',
    );
  }

  *#compileOne({ canonical, items, node }: Pending): Pausing<void> {
    const all = joined(items, this.document);
    if (all === null) {
      node.why = `${items[0]?.path}: a schema that nothing fits`;
      return;
    }
    const split = yield* alternatives(all, this);
    if (split !== null) {
      if (split.length === 0) node.why = `${all[0]?.path}: the opposite of a schema that everything fits`;
      const pace = new Pace();
      const made: Rule[] = [];
      for (const branch of split) {
        made.push(this.rule(branch, canonical));
        if (pace.due(2 * branch.length)) yield;
      }
      node.alternatives = made;
      return;
    }
    const types = jointTypes(all);
    if (types?.length === 0) node.why = `${all[0]?.path}: types that exclude one another`;
    const listed = yield* listedRule(all, types, this);
    if (listed !== null) {
      node.alternatives = [listed];
      return;
    }
    if (types === null && !canonical) {
      node.alternatives = [this.json.value];
      return;
    }
    const rules: Rule[] = [];
    for (const type of types ?? valueTypes.filter((each) => each !== 'integer')) {
      rules.push(yield* this.#typed(type, all, canonical));
    }
    node.alternatives = rules;
  }

  *#typed(type: ValueType, items: readonly Joined[], canonical: boolean): Pausing<Rule> {
    switch (type) {
      case 'object':
        return yield* objectRule(items, this);
      case 'array':
        return yield* arrayRule(items, this);
      case 'string': {
        const texts = yield* stringTexts(items, canonical ? 'canonical' : 'any', this);
        if (texts !== null) return this.add(stringRule(texts));
        return this.add(literalRule([], `${items[0]?.path}: a text of a form and length that none has`));
      }
      case 'number':
      case 'integer':
        return yield* numberRule(items, type === 'integer', canonical, this);
      default: {
        const without = items.flatMap(({ schema }) =>
          Array.isArray(schema[excluded]) ? (schema[excluded] as unknown[]) : [],
        );
        const values = type === 'null' ? [null] : [false, true];
        return this.add(literalRule(values.filter((value) => !without.includes(value)).map(String)));
      }
    }
  }

  #id(schema: unknown): number {
    const known = this.#ids.get(schema);
    if (known !== undefined) return known;
    this.#ids.set(schema, this.#ids.size + 1);
    return this.#ids.size;
  }
}
