// The form that a request asks its answer to have, as text: a schema of a megabyte is parsed when its turn to be compiled
// has come, and not before.
import type { ResponseFormat, Tool } from './chat-request.js';

export interface AskedGrammar {
  /** The field that asks for it, for errors. */
  readonly param: 'response_format' | 'tools';
  /** What the schema is called in errors. */
  readonly subject: string;
  /** JSON. */
  readonly schema: string;
}

/** Any JSON object. */
export const anyObject = '{"type":"object"}';

/** null: the text is free. */
export function formatAsked(format: ResponseFormat | null | undefined): AskedGrammar | null {
  if (format === null || format === undefined || format.type === 'text') return null;
  const schema = format.type === 'json_schema' ? format.json_schema.schema : null;
  if (schema === null || schema === undefined)
    return { param: 'response_format', subject: 'response_format', schema: anyObject };
  return {
    param: 'response_format',
    subject: 'response_format.json_schema.schema',
    schema: JSON.stringify(schema),
  };
}

/** A call of one of the tools: `{"name": …, "arguments": …}`. */
export function callAsked(tools: readonly Tool[]): AskedGrammar {
  const anyOf = tools.map(({ function: { name, parameters } }, index) => ({
    type: 'object',
    properties: {
      name: { const: name },
      arguments: moved({ type: 'object', ...parameters }, `#/anyOf/${index}/properties/arguments`),
    },
    required: ['name', 'arguments'],
    additionalProperties: false,
  }));
  return { param: 'tools', subject: 'tools', schema: JSON.stringify({ anyOf }) };
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
