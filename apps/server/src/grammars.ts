// Grammars of requests over the model's tokens: compiled once for a schema, and kept for those who ask again.
import { type Grammar, jsonObjectGrammar, jsonSchemaGrammar, TokenGrammar, TokenTable } from '@moeq/grammar';
import type { Model, TokenConstraint } from '@moeq/runtime';
import { MoeqError } from '@moeq/tensors';
import { ApiError, badField } from './api-error.js';
import type { ResponseFormat, Tool } from './chat-request.js';

/** Schemas in use at a time; each keeps up to some 10 MB of masks. */
const maxGrammars = 16;

/** A fresh constraint for each text; undefined: the text is free. */
type Constraints = () => TokenConstraint | undefined;

export class Grammars {
  readonly #model: Model;
  #table: TokenTable | null = null;
  /** By their schema; the one used longest ago first. */
  readonly #known = new Map<string, TokenGrammar>();

  constructor(model: Model) {
    this.#model = model;
  }

  /** @throws ApiError 400 naming the part of the schema that is not supported */
  format(format: ResponseFormat): Constraints {
    if (format.type === 'text') return () => undefined;
    const schema = format.type === 'json_schema' ? format.json_schema.schema : undefined;
    const field = 'response_format.json_schema.schema';
    if (schema === null || schema === undefined) {
      return this.#constraints('response_format', '{}', jsonObjectGrammar);
    }
    return this.#constraints('response_format', `${field} ${JSON.stringify(schema)}`, () =>
      jsonSchemaGrammar(schema, field),
    );
  }

  /** A call of one of the tools: `{"name": …, "arguments": …}`. @throws ApiError 400 as `format` */
  call(tools: readonly Tool[]): Constraints {
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
    return this.#constraints('tools', `tools ${JSON.stringify(schema)}`, () =>
      jsonSchemaGrammar(schema, 'tools'),
    );
  }

  #constraints(param: string, key: string, compile: () => Grammar): Constraints {
    const known = this.#known.get(key);
    let grammar: TokenGrammar;
    try {
      grammar = known ?? new TokenGrammar(compile(), this.#tokens(param));
    } catch (error) {
      if (!MoeqError.isInstance(error)) throw error;
      throw new ApiError({ status: 400, message: error.message, param, code: 'unsupported_schema' });
    }
    this.#known.delete(key);
    this.#known.set(key, grammar);
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= maxGrammars) break;
      this.#known.delete(oldest);
    }
    return () => grammar.constraint(this.#model.stopTokenIds);
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
      if (key === '$ref' && typeof value === 'string' && value.startsWith('#'))
        return [key, root + value.slice(1)];
      return [key, moved(value, root)];
    }),
  );
}
