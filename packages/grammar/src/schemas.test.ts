// Schemas as zod and pydantic write them, against Ajv: instances that fit are taken as JSON.stringify spells them, others
// are not, and every text drawn from the grammar fits.
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, test } from 'vitest';
import { jsonSchemaGrammar } from './json-schema.js';
import { accepts, draw } from './testkit/walk.js';
import writtenSchemas from './testkit/written-schemas.json' with { type: 'json' };
import zodSchemas from './testkit/zod-schemas.json' with { type: 'json' };

interface Case {
  readonly name: string;
  readonly schema: Readonly<Record<string, unknown>>;
  readonly valid: readonly unknown[];
  readonly invalid: readonly unknown[];
}

const cases: readonly Case[] = [...zodSchemas, ...writtenSchemas];
const ajv = new Ajv2020({ strict: false, validateFormats: false });
// Ajv's own takes 4630841031.28 for no multiple of 0.01, for it is off by 1e-5 in binary; the texts are decimal
ajv.removeKeyword('multipleOf').addKeyword({
  keyword: 'multipleOf',
  type: 'number',
  validate: (step: number, value: number) =>
    Math.abs(value - Math.round(value / step) * step) <= 1e-15 * Math.abs(value),
});
/** Drafts before 2020-12, which this Ajv does not read: the instances say what fits. */
const older = ['zod: draft 7', 'zod: openapi 3.0', 'exclusive bounds of draft 4'];
const walks = 12;

function validator({ name, schema }: Case): (value: unknown) => boolean {
  if (older.includes(name)) return () => true;
  const { $schema: _, ...rest } = schema;
  return ajv.compile(rest);
}

describe('schemas of generators', () => {
  test('are at least sixty, of different names', () => {
    expect(cases.length).toBeGreaterThanOrEqual(60);
    expect(new Set(cases.map(({ name }) => name)).size).toBe(cases.length);
  });

  test('the host name of zod is refused by the name of its pattern: 253 characters in labels of 63', () => {
    const pattern =
      '^(?=.{1,253}\\.?$)[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?(?:\\.[a-zA-Z0-9](?:[-0-9a-zA-Z]{0,61}[0-9a-zA-Z])?)*\\.?$';
    const schema = { type: 'object', properties: { h: { type: 'string', format: 'hostname', pattern } } };
    expect(() => jsonSchemaGrammar(schema)).toThrow(
      'schema#/properties/h/pattern: cannot compile the schema: expected a text of at most 20000 states',
    );
  });

  test.each(cases)('$name', (each) => {
    const grammar = jsonSchemaGrammar(each.schema);
    const fits = validator(each);
    for (const value of each.valid) {
      expect(fits(value), `Ajv takes ${JSON.stringify(value)}`).toBe(true);
      expect(accepts(grammar, JSON.stringify(value)), `takes ${JSON.stringify(value)}`).toBe(true);
    }
    for (const value of each.invalid) {
      expect(accepts(grammar, JSON.stringify(value)), `refuses ${JSON.stringify(value)}`).toBe(false);
    }
    for (let walk = 0; walk < walks; walk += 1) {
      const text = draw(grammar, Math.random, 60);
      if (text === null) continue;
      expect(fits(JSON.parse(text)), text).toBe(true);
    }
  });
});
