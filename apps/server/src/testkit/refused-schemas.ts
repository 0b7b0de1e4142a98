// JSON schemas that no grammar holds, and what the answer says.
const nested = (depth: number): object => (depth === 0 ? {} : { items: nested(depth - 1) });

export const refusedSchemas: readonly (readonly [what: string, schema: object, message: string])[] = [
  ['a keyword that cannot be held', { oneOf: [{}, {}] }, 'response_format.json_schema.schema.oneOf'],
  ['a value within itself without end', { $ref: '#' }, 'expected values that end'],
  [
    'two that are each other',
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    'expected values that end',
  ],
  ['a reference into a prototype', { $ref: '#/__proto__' }, 'expected a place that the schema has'],
  ['a reference that is no URI', { $ref: '#/%zz' }, 'expected a place that the schema has'],
  ['a reference to the network', { $ref: 'http://localhost/x' }, 'expected a place in the same schema'],
  ['an array of 10^9 items', { type: 'array', minItems: 1e9 }, 'expected an integer from 0 to 10000'],
  ['a text of 10^9 characters', { type: 'string', maxLength: 1e9 }, 'expected an integer from 0 to 10000'],
  [
    'a pattern of 10^6 characters',
    { type: 'string', pattern: '^((a{100}){100}){100}$' },
    'at most 100000 states',
  ],
  ['a pattern with a look-ahead', { type: 'string', pattern: '^(?=a)' }, 'pattern'],
  [
    '20,000 values',
    { enum: Array.from({ length: 20_000 }, (_, i) => i.toString(36).repeat(4)) },
    'at most 100000 states',
  ],
  ['arrays nested 130 deep', nested(130), 'nested more than 128 deep'],
];
