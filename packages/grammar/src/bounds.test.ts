// What a schema and a text cost is counted: rules, states, steps between pauses, bytes that are remembered.
import { expect, test } from 'vitest';
import { BoundedMap } from './bounded-map.js';
import { compileJsonSchema, jsonSchemaGrammar } from './json-schema.js';
import { compileSchema } from './schema/compile.js';
import { accepts } from './testkit/walk.js';
import { TokenGrammar } from './token-grammar.js';
import { TokenTable } from './token-table.js';

const bytes = Array.from({ length: 256 }, (_, byte) => Uint8Array.of(byte));
const table = new TokenTable({ size: 257, bytes: (id) => bytes[id] ?? null });

function properties(count: number, schema: (index: number) => object): Record<string, object> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, schema(index)]));
}

test('a schema of 400 bounded strings is as large as one of 400 short ones', () => {
  const sized = (maxLength: number) =>
    jsonSchemaGrammar({ type: 'object', properties: properties(400, () => ({ type: 'string', maxLength })) });
  expect(sized(10_000_000).rules.length).toBe(sized(1).rules.length);
  expect(sized(10_000_000).bytes).toBe(sized(1).bytes);
  expect(sized(10_000_000).bytes).toBeLessThan(2 ** 20);
});

test('a compilation pauses between places: none of its steps does more than one', () => {
  const schema = {
    type: 'object',
    properties: properties(1000, (index) => ({ type: 'integer', minimum: index })),
  };
  const steps = compileSchema(schema, { subject: 'schema', blanks: 0, strictFormats: false });
  let count = 0;
  for (let step = steps.next(); step.done !== true; step = steps.next()) count += 1;
  expect(count).toBeGreaterThan(1000);
});

test('slices of no time at all pause at every step, and a signal ends them', async () => {
  let pauses = 0;
  const pause = async () => {
    pauses += 1;
  };
  const schema = {
    type: 'object',
    properties: properties(50, () => ({ type: 'string', pattern: '^[a-z]+$' })),
  };
  await compileJsonSchema(schema, { pause, sliceMilliseconds: 0 });
  expect(pauses).toBeGreaterThan(50);
  const signal = AbortSignal.abort(new Error('gone'));
  await expect(compileJsonSchema(schema, { pause, signal })).rejects.toThrow('gone');
});

test('10,000 required properties, 20,000 values and 120 levels compile to what they say', () => {
  const wide = properties(10_000, () => ({ type: 'null' }));
  const names = Object.keys(wide);
  const object = jsonSchemaGrammar({
    type: 'object',
    properties: wide,
    required: names,
    additionalProperties: false,
  });
  const text = `{${names.map((name) => `"${name}":null`).join()}}`;
  expect(accepts(object, text)).toBe(true);
  expect(accepts(object, text.replace('"p5000":null,', ''))).toBe(false);
  const values = Array.from({ length: 20_000 }, (_, index) => `value ${index}`);
  expect(accepts(jsonSchemaGrammar({ enum: values }), '"value 19999"')).toBe(true);
  let deep: unknown = { type: 'string' };
  for (let level = 0; level < 120; level += 1) deep = { type: 'array', items: deep };
  expect(accepts(jsonSchemaGrammar(deep), '[[[]]]')).toBe(true);
});

test('one mask within a string serves all of its lengths until the bound is near', () => {
  const grammar = new TokenGrammar(jsonSchemaGrammar({ type: 'string', maxLength: 1000 }), table);
  const constraint = grammar.constraint([256]);
  const logits = new Float32Array(257);
  constraint.accept(0x22);
  constraint.mask(logits);
  const before = grammar.bytes;
  for (let count = 0; count < 900; count += 1) {
    constraint.accept(0x61);
    constraint.mask(logits.fill(0));
  }
  // Per character: a position, and its mask of nine words.
  expect(grammar.bytes - before).toBeLessThanOrEqual(900 * (3000 + 9 * 4 + 200));
  for (let count = 0; count < 100; count += 1) constraint.accept(0x61);
  constraint.mask(logits.fill(0));
  expect([...logits.keys()].filter((id) => logits[id] === 0)).toEqual([0x22]);
});

test('what a grammar remembers of ever new texts is bounded', () => {
  const grammar = new TokenGrammar(
    jsonSchemaGrammar({
      type: 'array',
      items: { type: 'array', uniqueItems: true, items: { type: 'integer' } },
    }),
    table,
  );
  const logits = new Float32Array(257);
  for (let text = 0; text < 40; text += 1) {
    const constraint = grammar.constraint([256]);
    for (const byte of new TextEncoder().encode(
      `[[${Array.from({ length: 100 }, (_, index) => text * 1000 + index).join()}]]`,
    )) {
      constraint.mask(logits.fill(0));
      constraint.accept(byte);
    }
    expect(constraint.finished).toBe(true);
    expect(grammar.bytes).toBeLessThan(10 * 2 ** 20);
  }
});

test('a bounded map forgets what was asked for longest ago', () => {
  const map = new BoundedMap<string, number>(10, (value) => value);
  map.set('a', 4);
  map.set('b', 4);
  expect(map.get('a')).toBe(4);
  map.set('c', 4);
  expect([map.get('a'), map.get('b'), map.get('c'), map.size, map.count]).toEqual([4, undefined, 4, 8, 2]);
  map.set('d', 100);
  expect([map.size, map.count]).toEqual([100, 1]);
});

const numbered = (count: number) => Array.from({ length: count }, (_, index) => index);

test.each([
  [
    'dependencies of properties',
    { dependentRequired: Object.fromEntries(numbered(50).map((index) => [`x${index}`, [`y${index}`]])) },
  ],
  [
    'conditions',
    {
      properties: Object.fromEntries(numbered(25).map((index) => [`x${index}`, { type: 'boolean' }])),
      allOf: numbered(25).map((index) => ({
        if: { properties: { [`x${index}`]: { const: true } } },
        // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
        then: { required: [`x${(index + 1) % 25}`] },
      })),
    },
  ],
  [
    'choices',
    {
      allOf: numbered(30).map((index) => ({
        anyOf: ['string', 'integer'].map((type) => ({ properties: { [`x${index}`]: { type } } })),
      })),
    },
  ],
  [
    'objects that overlap',
    {
      oneOf: numbered(500).map((index) => ({
        type: 'object',
        properties: { [`k${index}`]: { type: 'string', pattern: `^[a-z]+${index}$` } },
        required: [`k${index}`],
      })),
    },
  ],
])('a product of many %s is refused after few steps', (_, schema) => {
  const steps = compileSchema(
    { type: 'object', ...schema },
    { subject: 'schema', blanks: 0, strictFormats: false },
  );
  let count = 0;
  const run = () => {
    for (let step = steps.next(); step.done !== true; step = steps.next()) count += 1;
  };
  expect(run).toThrow('combinations of at most 400000 schemas');
  expect(count).toBeLessThan(10_000);
});

test('a chain of fifty dependencies is no product', () => {
  const grammar = jsonSchemaGrammar({
    type: 'object',
    dependentRequired: Object.fromEntries(numbered(50).map((index) => [`x${index}`, [`x${index + 1}`]])),
  });
  expect(grammar.rules.length).toBeLessThan(10_000);
  expect(accepts(grammar, '{"x49":1,"x50":2}')).toBe(true);
  expect(accepts(grammar, '{"x48":1,"x50":2}')).toBe(false);
});

test('texts of which exactly one of twelve patterns holds are no product of the types that are no texts', () => {
  const grammar = jsonSchemaGrammar({
    oneOf: numbered(12).map((index) => ({ type: 'string', pattern: `^a*b{${index}}$` })),
  });
  expect(grammar.rules.length).toBeLessThan(500);
  expect(accepts(grammar, '"abbb"')).toBe(true);
  expect(accepts(grammar, '"abbbbbbbbbbbb"')).toBe(false);
});
