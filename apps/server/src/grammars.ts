// Grammars of requests over the model's tokens: compiled once for a schema, kept for those who ask again, as long as memory
// allows.
import { jsonObjectGrammar, TokenGrammar, TokenTable, type Vocabulary } from '@moeq/grammar';
import type { Model, TokenConstraint } from '@moeq/runtime';
import { isMoeqError } from '@moeq/tensors';
import { ApiError, badField } from './api-error.js';
import { type AskedGrammar, anyObject } from './asked-grammar.js';
import { defaultLanes, GrammarLanes, type LaneLimits } from './grammar-lanes.js';

export interface GrammarLimits {
  /** Schemas that may wait for their compilation, and bytes of them together. */
  readonly waiting: number;
  readonly waitingBytes: number;
  /** Compiled grammars that are kept, and bytes of them together; those in use are kept in any case. */
  readonly kept: number;
  readonly keptBytes: number;
}

const defaultGrammarLimits: GrammarLimits = {
  waiting: 256,
  // Sixteen requests of the largest size, parsed some ten times as large.
  waitingBytes: 2 ** 24,
  kept: 32,
  keptBytes: 2 ** 24,
};

export interface GrammarRules {
  /** A format that is not known is an error. */
  readonly strict: boolean;
  /** Called for each format that is not known and holds no text. */
  readonly onAnnotation: (format: string) => void;
}

/** A fresh constraint for each text; undefined: the text is free. */
type Constraints = () => TokenConstraint | undefined;

export class Grammars {
  readonly #model: Model;
  readonly #limits: GrammarLimits;
  readonly #rules: GrammarRules;
  /** Made at the first schema, in slices. */
  #table: Promise<TokenTable> | null = null;
  /** By their schema; the one used longest ago first. */
  readonly #known = new Map<string, TokenGrammar>();
  readonly #pending = new Map<string, Promise<TokenGrammar>>();
  readonly #lanes: GrammarLanes;
  #waitingBytes = 0;
  #compiled = 0;

  constructor(
    model: Model,
    rules: GrammarRules,
    limits: GrammarLimits = defaultGrammarLimits,
    lanes: LaneLimits = defaultLanes,
  ) {
    this.#model = model;
    this.#rules = rules;
    this.#limits = limits;
    this.#lanes = new GrammarLanes(lanes, rules.strict);
  }

  /** Grammars kept, schemas waiting, and schemas compiled so far. */
  get counts(): { readonly kept: number; readonly waiting: number; readonly compiled: number } {
    return { kept: this.#known.size, waiting: this.#pending.size, compiled: this.#compiled };
  }

  /**
   * @param client in whose turn the schema is compiled
   * @throws ApiError 400 naming the part of the schema that is not supported; 429 where too many wait
   */
  async constraints(asked: AskedGrammar | null, client: string): Promise<Constraints> {
    if (asked === null) return () => undefined;
    const vocabulary = this.#vocabulary(asked.param);
    const key = `${asked.subject} ${asked.schema}`;
    try {
      const grammar =
        this.#known.get(key) ??
        (await (this.#pending.get(key) ?? this.#queue(key, asked, client, vocabulary)));
      this.#keep(key, grammar);
      return () => grammar.constraint(this.#model.stopTokenIds);
    } catch (error) {
      if (!isMoeqError(error, 'unsupportedSchema')) throw error;
      const { param } = asked;
      throw new ApiError({ status: 400, message: error.message, param, code: 'unsupported_schema' });
    }
  }

  #queue(key: string, asked: AskedGrammar, client: string, vocabulary: Vocabulary): Promise<TokenGrammar> {
    const { waiting, waitingBytes } = this.#limits;
    const bytes = asked.schema.length;
    if (
      this.#pending.size >= waiting ||
      (this.#pending.size > 0 && this.#waitingBytes + bytes > waitingBytes)
    ) {
      throw new ApiError({
        status: 429,
        message: `Too many schemas: ${this.#pending.size} are waiting to be compiled. Try again in a moment.`,
        code: 'queue_full',
        headers: { 'Retry-After': '2' },
      });
    }
    this.#waitingBytes += bytes;
    const compiled = this.#compile(asked, client, vocabulary).finally(() => {
      this.#compiled += 1;
      this.#waitingBytes -= bytes;
      this.#pending.delete(key);
    });
    this.#pending.set(key, compiled);
    return compiled;
  }

  async #compile(asked: AskedGrammar, client: string, vocabulary: Vocabulary): Promise<TokenGrammar> {
    this.#table ??= TokenTable.make(vocabulary, this.#lanes.slicing);
    const table = await this.#table;
    const isAny = asked.schema === anyObject;
    const grammar = isAny ? jsonObjectGrammar() : await this.#lanes.compile(asked, client);
    for (const format of grammar.annotations) this.#rules.onAnnotation(format);
    return new TokenGrammar(grammar, table);
  }

  /** As the one used last; the ones used longest ago are forgotten beyond the limits. */
  #keep(key: string, grammar: TokenGrammar): void {
    const sizeOf = (text: string, { bytes }: TokenGrammar) => bytes + 2 * text.length;
    this.#known.delete(key);
    this.#known.set(key, grammar);
    let bytes = 0;
    for (const [each, kept] of this.#known) bytes += sizeOf(each, kept);
    for (const [oldest, kept] of this.#known) {
      if (oldest === key || (this.#known.size <= this.#limits.kept && bytes <= this.#limits.keptBytes)) break;
      this.#known.delete(oldest);
      bytes -= sizeOf(oldest, kept);
    }
  }

  /** @throws ApiError 400 where the tokenizer does not have the bytes of tokens */
  #vocabulary(param: string): Vocabulary {
    const { tokenizer, name } = this.#model;
    const bytes = tokenizer?.tokenBytes;
    if (tokenizer !== null && bytes !== undefined) return { size: tokenizer.vocabularySize, bytes };
    const reason = `the tokenizer of ${name} does not tell the bytes of its tokens`;
    throw badField(param, reason, 'unsupported_value');
  }
}
