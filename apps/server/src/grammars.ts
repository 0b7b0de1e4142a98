// Grammars of requests over the model's tokens: compiled once for a schema, kept for those who ask again, as long as memory
// allows.
import { jsonObjectGrammar, TokenGrammar, TokenTable } from '@moeq/grammar';
import type { Model, TokenConstraint } from '@moeq/runtime';
import { isMoeqError } from '@moeq/tensors';
import { ApiError, badField } from './api-error.js';
import type { ResponseFormat, Tool } from './chat-request.js';
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

/** A fresh constraint for each text; undefined: the text is free. */
type Constraints = () => TokenConstraint | undefined;

export class Grammars {
  readonly #model: Model;
  readonly #limits: GrammarLimits;
  #table: TokenTable | null = null;
  /** By their schema; the one used longest ago first. */
  readonly #known = new Map<string, TokenGrammar>();
  readonly #pending = new Map<string, Promise<TokenGrammar>>();
  readonly #lanes: GrammarLanes;
  #waitingBytes = 0;
  #compiled = 0;

  constructor(model: Model, limits: GrammarLimits = defaultGrammarLimits, lanes: LaneLimits = defaultLanes) {
    this.#model = model;
    this.#limits = limits;
    this.#lanes = new GrammarLanes(lanes);
  }

  /** Grammars kept, schemas waiting, and schemas compiled so far. */
  get counts(): { readonly kept: number; readonly waiting: number; readonly compiled: number } {
    return { kept: this.#known.size, waiting: this.#pending.size, compiled: this.#compiled };
  }

  /** @throws ApiError 400 naming the part of the schema that is not supported; 429 where too many wait */
  async format(format: ResponseFormat): Promise<Constraints> {
    if (format.type === 'text') return () => undefined;
    const schema = format.type === 'json_schema' ? format.json_schema.schema : undefined;
    if (schema === null || schema === undefined) {
      const known =
        this.#known.get('{}') ?? new TokenGrammar(jsonObjectGrammar(), this.#tokens('response_format'));
      this.#keep('{}', known);
      return this.#constraints(known);
    }
    return this.#compile('response_format', 'response_format.json_schema.schema', schema);
  }

  /** A call of one of the tools: `{"name": …, "arguments": …}`. @throws ApiError as `format` */
  async call(tools: readonly Tool[]): Promise<Constraints> {
    const schema = {
      anyOf: tools.map(({ function: { name, parameters } }, index) => ({
        type: 'object',
        properties: {
          name: { const: name },
          arguments: moved({ type: 'object', ...parameters }, `#/anyOf/${index}/properties/arguments`),
        },
        required: ['name', 'arguments'],
        additionalProperties: false,
      })),
    };
    return this.#compile('tools', 'tools', schema);
  }

  async #compile(param: string, subject: string, schema: object): Promise<Constraints> {
    const text = JSON.stringify(schema);
    const table = this.#tokens(param);
    const key = `${subject} ${text}`;
    const known = this.#known.get(key);
    try {
      const grammar =
        known ?? (await (this.#pending.get(key) ?? this.#queue(key, text.length, schema, subject, table)));
      this.#keep(key, grammar);
      return this.#constraints(grammar);
    } catch (error) {
      if (!isMoeqError(error, 'unsupportedSchema')) throw error;
      throw new ApiError({ status: 400, message: error.message, param, code: 'unsupported_schema' });
    }
  }

  #queue(
    key: string,
    bytes: number,
    schema: object,
    subject: string,
    table: TokenTable,
  ): Promise<TokenGrammar> {
    const { waiting, waitingBytes } = this.#limits;
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
    const compiled = this.#lanes
      .compile(schema, subject)
      .then((grammar) => new TokenGrammar(grammar, table))
      .finally(() => {
        this.#compiled += 1;
        this.#waitingBytes -= bytes;
        this.#pending.delete(key);
      });
    this.#pending.set(key, compiled);
    return compiled;
  }

  #constraints(grammar: TokenGrammar): Constraints {
    return () => grammar.constraint(this.#model.stopTokenIds);
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

  #tokens(param: string): TokenTable {
    const { tokenizer, name } = this.#model;
    const bytes = tokenizer?.tokenBytes;
    if (tokenizer === null || bytes === undefined) {
      throw badField(
        param,
        `the tokenizer of ${name} does not tell the bytes of its tokens`,
        'unsupported_value',
      );
    }
    this.#table ??= new TokenTable({ size: tokenizer.vocabularySize, bytes });
    return this.#table;
  }
}

/** A schema within another one: its references follow. */
function moved(schema: unknown, root: string): unknown {
  if (Array.isArray(schema)) return schema.map((item) => moved(item, root));
  if (typeof schema !== 'object' || schema === null) return schema;
  return Object.fromEntries(
    Object.entries(schema).map(([key, value]) => {
      if (key === '$ref' && typeof value === 'string' && /^#(\/|$)/.test(value))
        return [key, root + value.slice(1)];
      return [key, moved(value, root)];
    }),
  );
}
