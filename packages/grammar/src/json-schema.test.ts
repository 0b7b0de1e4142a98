import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { jsonObjectGrammar, jsonSchemaGrammar } from './json-schema.js';
import type { Grammar } from './rule.js';
import { accepts, draw } from './testkit/walk.js';

const ajv = new Ajv2020({ strict: false, validateFormats: false });

type Schema = Record<string, unknown>;

const name = fc.constantFrom('a', 'ab', 'b', 'é', 'na"me', '');
const bounds = fc.tuple(fc.integer({ min: -1500, max: 1500 }), fc.integer({ min: 0, max: 900 }));

/** Schemas of every supported keyword that Ajv checks too. */
const { schema: anySchema } = fc.letrec<{ schema: Schema }>((tie) => ({
  schema: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<Schema>(
      { type: 'boolean' },
      { type: 'null' },
      { type: 'string' },
      { type: 'number' },
      { type: 'integer' },
      {},
    ),
    fc.record({ enum: fc.array(fc.jsonValue({ maxDepth: 1 }), { minLength: 1, maxLength: 4 }) }),
    fc.record({ const: fc.jsonValue({ maxDepth: 1 }) }),
    fc.record({
      type: fc.constant('string'),
      minLength: fc.nat({ max: 3 }),
      maxLength: fc.integer({ min: 3, max: 6 }),
    }),
    fc.record({
      type: fc.constant('string'),
      pattern: fc.constantFrom(
        '^a+b?$',
        '^(x|yz){2,3}$',
        '[0-9]',
        '^[^a-z"]{1,4}$',
        '^\\w+@\\d',
        '^$|^é.$',
        '\\\\n',
      ),
    }),
    bounds.map(([minimum, width]): Schema => ({ type: 'integer', minimum, maximum: minimum + width })),
    bounds.map(
      ([low, width]): Schema => ({ type: 'number', minimum: low / 100, maximum: (low + width) / 100 }),
    ),
    bounds.map(
      ([low, width]): Schema => ({
        type: 'number',
        exclusiveMinimum: low / 10,
        exclusiveMaximum: (low + width + 1) / 10,
      }),
    ),
    fc.record({
      type: fc.constant('array'),
      items: tie('schema'),
      minItems: fc.nat({ max: 2 }),
      maxItems: fc.integer({ min: 2, max: 4 }),
    }),
    fc.record({
      type: fc.constant('array'),
      prefixItems: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(name, tie('schema'), { maxKeys: 4 }),
      required: fc.subarray(['a', 'b', 'c']),
      additionalProperties: fc.oneof(fc.constant<boolean | Schema>(true), tie('schema')),
    }),
    fc.record({ anyOf: fc.array(tie('schema'), { minLength: 1, maxLength: 3 }) }),
    fc.record({ allOf: fc.tuple(tie('schema')), description: fc.constant('one') }),
  ),
}));

/** null: nothing fits, as the error says. */
function grammarOf(schema: Schema): Grammar | null {
  try {
    return jsonSchemaGrammar(schema);
  } catch (error) {
    expect(String(error)).toContain('expected values that fit and that end');
    return null;
  }
}

describe('texts of a schema', () => {
  test('are JSON and fit it, whatever the schema', () => {
    let checked = 0;
    fc.assert(
      fc.property(anySchema, (schema) => {
        // names that Ajv calls, or compares, when it looks for equal objects
        fc.pre(!/"(toString|valueOf|constructor)":/.test(JSON.stringify(schema)));
        const grammar = grammarOf(schema);
        fc.pre(grammar !== null);
        const text = draw(grammar, Math.random, 60);
        if (text === null) return;
        checked += 1;
        const validate = ajv.compile(schema);
        expect(validate(JSON.parse(text)), `${text} for ${JSON.stringify(schema)}`).toBe(true);
      }),
      { numRuns: 600 },
    );
    expect(checked).toBeGreaterThan(500);
  });

  test('any JSON value fits the empty schema, any object the grammar of objects; with blanks where they are wanted', () => {
    const compact = { any: jsonSchemaGrammar({}), objects: jsonObjectGrammar() };
    const loose = {
      any: jsonSchemaGrammar({}, { whitespace: 'loose' }),
      objects: jsonObjectGrammar({ whitespace: 'loose' }),
    };
    const isPlain = (value: unknown): boolean =>
      typeof value === 'number'
        ? Math.abs(value) < 1e19 && /^-?\d+(\.\d{1,16})?(e[+-]\d\d?)?$/.test(String(value))
        : typeof value !== 'object' || value === null || Object.values(value).every(isPlain);
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), fc.nat({ max: 4 }), (value, indent) => {
        fc.pre(isPlain(value));
        const isObject = typeof value === 'object' && value !== null && !Array.isArray(value);
        const [short, long] = [JSON.stringify(value), JSON.stringify(value, null, indent)];
        for (const { any, objects } of [compact, loose]) {
          expect(accepts(any, short), short).toBe(true);
          expect(accepts(objects, short)).toBe(isObject);
        }
        expect(accepts(loose.any, long), long).toBe(true);
        expect(accepts(compact.any, long)).toBe(long === short);
      }),
      { numRuns: 300 },
    );
  });
});

test.each<[Schema, string[], string[]]>([
  [
    {
      type: 'object',
      properties: { a: { type: 'integer' }, b: { type: 'string' } },
      required: ['b'],
      additionalProperties: false,
    },
    ['{"b":"x"}', '{"a":1,"b":""}', '{"a":1,"b":"\\u00e9"}'],
    [
      '{}',
      '{"a":1}',
      '{"b":"x","a":1}',
      '{"b":"x","c":1}',
      '{"b":"x",}',
      '{"a":1.5,"b":""}',
      '{"a":01,"b":""}',
      '{"a": 1,"b":""}',
      '',
    ],
  ],
  [
    { type: 'object', properties: { ab: { type: 'null' } } },
    ['{}', '{"ab":null}', '{"a":1}', '{"":1}', '{"abc":1,"b":[]}', '{"ab":null,"x":{}}'],
    ['{"ab":1}', '{"x":1,"ab":1}'],
  ],
  [
    { type: 'array', items: { type: 'integer' }, minItems: 1, maxItems: 2 },
    ['[1]', '[1,-2]'],
    ['[]', '[1,2,3]', '[1,]', '["1"]', '[1, 2]'],
  ],
  [{ type: 'array', items: { type: 'null' } }, ['[]', '[null,null,null]'], ['[1]', '[,null]']],
  [
    { type: 'array', prefixItems: [{ type: 'null' }, { const: 2 }], items: false },
    ['[]', '[null]', '[null,2]'],
    ['[2]', '[null,2,3]'],
  ],
  [
    { type: ['string', 'null'], maxLength: 2 },
    ['null', '"é🙂"', '"\\n\\u0041"'],
    ['"abc"', '1', '"\\ud800"', '"\n"', '"a'],
  ],
  [
    { type: 'integer', minimum: -3, maximum: 120 },
    ['-3', '-1', '0', '9', '99', '100', '120'],
    ['-4', '-0', '121', '1e1', '1.0', '007', '+1'],
  ],
  [
    { type: 'integer', exclusiveMinimum: 0 },
    ['1', '10', '9007199254740993'],
    ['0', '-1', '10000000000000000000'],
  ],
  [{ type: 'number', minimum: 0, maximum: 1 }, ['0', '0.5', '0.123456', '1'], ['1.1', '-0.1', '2', '1e0']],
  [
    { type: 'number', minimum: 0.25, maximum: 0.5 },
    ['0.25', '0.3199', '0.50'],
    ['0.2', '0.249', '0.51', '0.501', '1'],
  ],
  [{ type: 'number', minimum: -0.01, maximum: 0 }, ['-0.01', '0.00'], ['0.0068', '0.001', '-0.0101', '0.01']],
  [
    { type: 'number', minimum: -1.5, maximum: -0.5 },
    ['-1.5', '-0.5', '-1.49', '-0.62'],
    ['-1.51', '-0.4', '0', '1'],
  ],
  [{ type: 'number' }, ['0', '-1.5e10', '12E-3', '0.1'], ['.5', '1.', '1e', '01', 'NaN', '1e999']],
  [
    { enum: ['red', 'reddish', 3, null, { a: [1] }] },
    ['"red"', '"reddish"', '3', 'null', '{"a":[1]}'],
    ['"re"', '{"a": [1]}', '4'],
  ],
  [{ type: 'string', enum: ['a', 1] }, ['"a"'], ['1']],
  [{ const: 'a"\\b' }, ['"a\\"\\\\b"'], ['"a"']],
  [{ type: 'string', pattern: '^[A-Z]{2}\\d+$' }, ['"AB1"', '"ZZ999"'], ['"A1"', '"AB"', '"ab1"', '"AB1x"']],
  [{ type: 'string', pattern: 'b' }, ['"b"', '"abc"', '"\\"b🙂"'], ['"a"', '""']],
  [
    { pattern: '^\\d{2}\\-\\d\\@[\\_\\%\\-a]\\\\$' },
    ['"12-3@_\\\\"', '"12-3@-\\\\"'],
    ['"123@_\\\\"', '"12-3@b\\\\"'],
  ],
  [{ pattern: '^["\\\\]$' }, ['"\\""', '"\\\\"'], ['"a"', '"""']],
  [
    { type: 'string', format: 'date-time' },
    ['"2026-02-28T23:59:59Z"', '"2026-12-01T00:00:00.123+01:00"'],
    ['"2026-13-01T00:00:00Z"', '"2026-12-01"'],
  ],
  [
    { type: 'string', format: 'cidrv4' },
    ['"10.0.0.0/8"', '"1.2.3.4/32"', '"0.0.0.0/0"'],
    ['"10.0.0.0"', '"10.0.0.0/33"', '"10.0.0/8"'],
  ],
  [{ type: 'string', format: 'cidrv6' }, ['"::/0"', '"2001:db8::/128"'], ['"::"', '"::/129"', '"::/01"']],
  [{ type: 'string', format: 'ipvanyaddress' }, ['"::1"', '"1.2.3.4"'], ['"1.2.3"', '"x"']],
  [{ type: 'string', format: 'mac' }, ['"00:1a:2B:3c:4d:5e"'], ['"00:1a:2b:3c:4d"', '"00-1a-2b-3c-4d-5e"']],
  [{ type: 'string', format: 'color' }, ['"#fff"', '"#a1B2c3"', '"#a1b2c3d4"'], ['"red"', '"#ffff0"']],
  [
    { type: 'string', format: 'uuid4' },
    ['"9f0d3f5a-7c1e-4b2a-8d3c-1a2b3c4d5e6f"'],
    ['"9f0d3f5a-7c1e-1b2a-8d3c-1a2b3c4d5e6f"', '"9f0d3f5a-7c1e-4b2a-cd3c-1a2b3c4d5e6f"'],
  ],
  [{ type: 'string', format: 'ipv4' }, ['"127.0.0.1"', '"255.249.99.0"'], ['"256.0.0.1"', '"1.2.3"']],
  [
    {
      $defs: {
        node: {
          type: 'object',
          properties: { next: { anyOf: [{ $ref: '#/$defs/node' }, { type: 'null' }] } },
          required: ['next'],
          additionalProperties: false,
        },
      },
      $ref: '#/$defs/node',
    },
    ['{"next":null}', '{"next":{"next":{"next":null}}}'],
    ['{"next":{}}', 'null'],
  ],
  [{ type: 'array', items: { $ref: '#' } }, ['[]', '[[],[[]]]'], ['[1]']],
])('%j', (schema, taken, refused) => {
  const grammar = jsonSchemaGrammar(schema);
  for (const text of taken) expect(accepts(grammar, text), `takes ${text}`).toBe(true);
  for (const text of refused) expect(accepts(grammar, text), `refuses ${text}`).toBe(false);
});

describe('refusals', () => {
  const unfit = 'the schema: cannot compile: expected values that fit and that end, found';
  test.each<[unknown, string]>([
    [{ foo: {} }, 'schema#/foo: cannot compile the schema: expected a keyword that can be held'],
    [
      { properties: { 'a/b': { oneOf: [] } } },
      'schema#/properties/a~1b/oneOf: cannot compile the schema: expected a list that is not empty',
    ],
    [{ type: 'foo' }, 'schema#/type: cannot compile the schema: expected object, array, string'],
    [{ type: [] }, 'schema#/type: cannot compile the schema: expected a list that is not empty'],
    [
      { type: 'string', minLength: -1 },
      'schema#/minLength: cannot compile the schema: expected an integer from 0 to 100000',
    ],
    [
      { type: 'string', minLength: 3, maxLength: 2 },
      `${unfit} schema: a text of a form and length that none has`,
    ],
    [
      { type: 'array', minItems: 1e9 },
      'schema#/minItems: cannot compile the schema: expected an integer from 0 to 100000',
    ],
    [
      { type: 'array', prefixItems: [{}], items: false, minItems: 2 },
      `${unfit} schema#/items: a schema that nothing fits`,
    ],
    [
      { type: 'string', pattern: '(' },
      'schema#/pattern: cannot compile the pattern: expected a regular expression',
    ],
    [
      { type: 'string', pattern: '\\bword' },
      'schema#/pattern: cannot compile the pattern: expected no look-behind, word boundaries',
    ],
    [
      { type: 'string', pattern: '(a)\\1' },
      'schema#/pattern: cannot compile the pattern: expected no look-behind, word boundaries',
    ],
    [
      { type: 'string', pattern: '(?<=a)b' },
      'schema#/pattern: cannot compile the pattern: expected characters, sets, groups',
    ],
    [{ type: 'string', pattern: 'a{50000}' }, 'expected at most 10000 repetitions'],
    [
      { type: 'string', pattern: '((((a{900}){900}){900}){900})' },
      'schema#/pattern: cannot compile the schema: expected a text of at most 20000 states',
    ],
    [
      { type: 'string', pattern: '(a|b)*a(a|b){20}' },
      'schema#/pattern: cannot compile the schema: expected a text of at most 20000 states',
    ],
    [{ type: 'string', format: 7 }, 'schema#/format: cannot compile the schema: expected one of date'],
    [{ type: 'integer', minimum: 0.2, maximum: 0.8 }, 'schema: bounds that no number lies between'],
    [{ type: 'number', minimum: '1' }, 'schema#/minimum: cannot compile the schema: expected a number'],
    [
      { type: 'number', multipleOf: 0 },
      'schema#/multipleOf: cannot compile the schema: expected a number above 0',
    ],
    [{ enum: [] }, 'schema#/enum: cannot compile the schema: expected a list that is not empty'],
    [{ type: 'integer', enum: ['a'] }, 'schema: no listed value of the type and form that is asked for'],
    [{ $ref: '#/nope' }, 'schema#/$ref: cannot compile the schema: expected a place that the schema has'],
    [{ $ref: '#/constructor' }, 'expected a place that the schema has'],
    [{ $ref: 'https://example.org/a.json' }, 'expected a place in the same schema'],
    [{ $ref: '#' }, 'expected values that end, not a value that is nothing but itself'],
    [{ anyOf: [{ $ref: '#' }, { type: 'null' }] }, 'a value that is nothing but itself'],
    [
      { type: 'object', properties: { a: { $ref: '#' } }, required: ['a'] },
      'a value within itself without end',
    ],
    [
      { type: 'object', required: ['x'], additionalProperties: false },
      `${unfit} schema#/additionalProperties: a schema that nothing fits`,
    ],
    [
      { type: 'object', minProperties: 3 },
      'schema#/minProperties: cannot compile the schema: expected at most 1: names that are not listed may repeat',
    ],
    [
      { type: 'array', uniqueItems: true, items: { type: 'object' } },
      'schema#/uniqueItems: cannot compile the schema: expected items without objects and lists',
    ],
    [
      { not: { format: 'email' } },
      'schema#/not: cannot compile the schema: expected a schema whose opposite can be held',
    ],
    [
      { oneOf: [{ format: 'email' }, { format: 'uri' }] },
      'schema#/oneOf: cannot compile the schema: expected schemas that exclude one another',
    ],
    [false, `${unfit} schema: a schema that nothing fits`],
    [JSON.parse('{"__proto__": {}}'), 'schema#/__proto__'],
  ])('%j', (schema, message) => {
    expect(() => jsonSchemaGrammar(schema)).toThrow(message);
  });
});

test('a format that is not known is an annotation, which the grammar names; strict formats refuse it', () => {
  const schema = {
    type: 'object',
    properties: { a: { type: 'string', format: 'tax-number', maxLength: 2 }, b: { format: 'regex' } },
    propertyNames: { format: 'name-of-field' },
    required: ['a'],
    additionalProperties: false,
  };
  const grammar = jsonSchemaGrammar(schema);
  expect(grammar.annotations).toEqual(['name-of-field', 'tax-number', 'regex']);
  expect(accepts(grammar, '{"a":"§1"}')).toBe(true);
  expect(accepts(grammar, '{"a":"§12"}')).toBe(false);
  expect(accepts(grammar, '{"a":1}')).toBe(false);
  const { annotations } = jsonSchemaGrammar({ type: 'string', format: 'date' });
  expect(annotations).toEqual([]);
  const message = 'cannot compile the schema: expected one of date, time';
  expect(() => jsonSchemaGrammar(schema, { strictFormats: true })).toThrow(message);
});

test('the pattern beside a format of a library takes its place', () => {
  const grammar = jsonSchemaGrammar({
    type: 'string',
    format: 'mac',
    pattern: '^(?:[0-9A-F]{2}-){5}[0-9A-F]{2}$',
  });
  expect(accepts(grammar, '"00-1A-2B-3C-4D-5E"')).toBe(true);
  expect(accepts(grammar, '"00:1A:2B:3C:4D:5E"')).toBe(false);
});
