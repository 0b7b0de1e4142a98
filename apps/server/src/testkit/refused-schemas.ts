// JSON schemas that no grammar holds, and what the answer says.
const nested = (depth: number): object => (depth === 0 ? {} : { items: nested(depth - 1) });

export const refusedSchemas: readonly (readonly [what: string, schema: object, message: string])[] = [
  ['a keyword that is not known', { foo: {} }, 'response_format.json_schema.schema#/foo'],
  ['alternatives of which none is alone', { oneOf: [{}, {}] }, 'expected values that fit and that end'],
  ['a value within itself without end', { $ref: '#' }, 'expected values that end'],
  [
    'two that are each other',
    { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
    'expected values that end',
  ],
  ['a reference into a prototype', { $ref: '#/__proto__' }, 'expected a place that the schema has'],
  ['a reference that is no URI', { $ref: '#/%zz' }, 'expected a place that the schema has'],
  ['a reference to the network', { $ref: 'http://localhost/x' }, 'expected a place in the same schema'],
  ['an array of 10^9 items', { type: 'array', minItems: 1e9 }, 'expected an integer from 0 to 100000'],
  ['a text of 10^9 characters', { type: 'string', minLength: 1e9 }, 'expected an integer from 0 to 100000'],
  [
    'a pattern of 10^6 characters',
    { type: 'string', pattern: '^((a{100}){100}){100}$' },
    'a text of at most 20000 states',
  ],
  ['a pattern with a look-behind', { type: 'string', pattern: '^(?<=a)' }, 'pattern'],
  ['arrays nested 130 deep', nested(130), 'nested more than 128 deep'],
];
