// Work in slices does what it does at once, and no slice does more than a bounded part of it: steps, comparisons and ways
// to read a text are counted, not time.
import { expect, test, vi } from 'vitest';
import { classesOf } from './automata/characters.js';
import { explore } from './automata/explore.js';
import { patternRegex } from './automata/pattern.js';
import { type Regex, RegexBuilder } from './automata/regex.js';
import { textsRegex } from './automata/texts.js';
import { compileJsonSchema, jsonSchemaGrammar } from './json-schema.js';
import { Recognizer } from './recognizer.js';
import { compileSchema } from './schema/compile.js';
import { finished, type Pausing, sortedInSlices } from './slices.js';
import { TokenGrammar } from './token-grammar.js';
import { TokenMasks } from './token-masks.js';
import { TokenTable } from './token-table.js';

const words = ['{"', '":', '",', '"}', 'ab', 'abc', '12', '-1', 'true', '0', 'é', '["', '"]', '},{'];
const utf8 = new TextEncoder();
const vocabulary = {
  size: 257 + words.length,
  bytes: (id: number) =>
    id < 256 ? Uint8Array.of(id) : id === 256 ? null : utf8.encode(words[id - 257] as string),
};
const table = new TokenTable(vocabulary);

const numbered = (count: number, prefix = 'value ') =>
  Array.from({ length: count }, (_, index) => `${prefix}${index}`);

const schemas: readonly (readonly [string, object])[] = [
  ['a pattern', { type: 'string', pattern: '^(ab|a?b{2,5}|[\\p{L}x-z]{1,9})+$', maxLength: 40 }],
  [
    'formats beside each other',
    { type: 'array', items: { anyOf: [{ format: 'date-time' }, { format: 'ipv4' }] } },
  ],
  ['numbers', { type: 'object', properties: { a: { multipleOf: 7, minimum: -50 }, b: { maximum: 1.25 } } }],
  ['listed values that are excluded', { enum: numbered(300), not: { enum: numbered(150) } }],
  ['texts that are excluded', { type: 'string', not: { enum: numbered(40, 'ab') } }],
  [
    'a tagged union',
    {
      oneOf: numbered(20, 'k').map((kind) => ({
        type: 'object',
        properties: { kind: { const: kind }, [kind]: { type: 'integer', exclusiveMinimum: 3 } },
        required: ['kind'],
        additionalProperties: false,
      })),
    },
  ],
  [
    'names with patterns',
    {
      type: 'object',
      patternProperties: { '^ab': { type: 'boolean' }, b$: { enum: [true, null] } },
      propertyNames: { pattern: '^[a-c]{1,6}$' },
    },
  ],
];

/** Masks on the way of a text: at each step the token that comes some way behind the last one among those allowed. */
async function masksOf(
  grammar: TokenGrammar,
  prepared: boolean,
  pause: () => Promise<void>,
): Promise<string[]> {
  const constraint = grammar.constraint([256]);
  const result: string[] = [];
  let from = 0;
  for (let step = 0; step < 40 && !constraint.finished; step += 1) {
    if (prepared) await constraint.prepare(pause);
    const logits = new Float32Array(vocabulary.size);
    constraint.mask(logits);
    const allowed = [...logits.keys()].filter((id) => logits[id] === 0);
    result.push(allowed.join());
    const tokens = allowed.filter((id) => id !== 256);
    from += 7;
    const token = tokens[from % tokens.length];
    if (token === undefined) break;
    constraint.accept(token);
  }
  return result;
}

test.each(schemas)(
  '%s: compiled in slices, between those of others, masks are the very same',
  async (_, schema) => {
    const whole = await masksOf(
      new TokenGrammar(jsonSchemaGrammar(schema), table),
      false,
      async () => undefined,
    );
    // Every pause takes a step of another schema with the same parts.
    const others = schemas.map(([, other]) =>
      compileSchema(other, { subject: 'other', blanks: 0, strictFormats: false }),
    );
    let pauses = 0;
    const pause = async () => {
      pauses += 1;
      for (const other of others) other.next();
    };
    const sliced = await TokenTable.make(vocabulary, { pause, sliceMilliseconds: 0 });
    const grammar = await compileJsonSchema(schema, { pause, sliceMilliseconds: 0 });
    expect(await masksOf(new TokenGrammar(grammar, sliced), true, pause)).toEqual(whole);
    expect(whole.length).toBeGreaterThan(1);
    expect(pauses).toBeGreaterThan(3);
  },
);

test('a table of tokens is the same in slices', async () => {
  const made = await TokenTable.make(vocabulary, { pause: async () => undefined, sliceMilliseconds: 0 });
  expect(made).toEqual(table);
  expect(table.ids.length).toBe(256 + words.length);
});

/** The most that a count grows by between two pauses. */
function mostBetween(steps: Pausing<unknown>, count: () => number): { most: number; total: number } {
  let [before, most] = [count(), 0];
  const start = before;
  for (let done = false; done !== true; ) {
    done = steps.next().done === true;
    most = Math.max(most, count() - before);
    before = count();
  }
  return { most, total: before - start };
}

test('sorting compares at most 1,024 times between two pauses, and keeps the order of equal items', () => {
  let compared = 0;
  // A permutation: 7919 is prime and no divisor of the count.
  const items = Array.from({ length: 20_000 }, (_, index) => ({
    key: ((index * 7919) % 20_000) >> 1,
    index,
  }));
  const result: { sorted: readonly (typeof items)[number][] } = { sorted: [] };
  function* sort(): Pausing<void> {
    result.sorted = yield* sortedInSlices(items, (a, b) => {
      compared += 1;
      return a.key - b.key;
    });
  }
  expect(mostBetween(sort(), () => compared).most).toBeLessThanOrEqual(1024);
  expect(result.sorted).toEqual([...items].sort((a, b) => a.key - b.key));
});

const alternatives = (count: number) =>
  `(${numbered(count, '')
    .map((_, index) => `.{0,${index}}${String.fromCodePoint(0x100 + index)}`)
    .join('|')})`;

test.each([
  ['alternatives that begin alike', alternatives(150)],
  ['repetitions within each other', '^(((a{0,90}b){0,90}c){0,90}d){0,90}$'],
  ['look-ahead', '^((?=.*a.{9}b)(?!.*c.{9}d).*){1,8}$'],
])(
  'an automaton of %s: between two pauses at most 20,000 parts of expressions are looked at',
  (_, pattern) => {
    const builder = new RegexBuilder();
    const start = finished(patternRegex(builder, pattern, 'pattern'));
    const classes = finished(classesOf(builder.sets));
    if (classes === null) throw new Error('expected classes of characters');
    const exploring = explore(
      {
        start,
        key: (regex: Regex) => regex.id,
        prepare: (regex, each, code) => builder.prepare(regex, code, each),
        step: (regex, each, code) => builder.derivative(regex, code, each),
        label: ({ nullable }) => (nullable ? 0 : -1),
        cost: { spent: () => Math.min(builder.spent, limit + 1), limit },
      },
      classes,
      20_000,
    );
    const { most, total } = mostBetween(exploring, () => Math.min(builder.spent, limit + 1));
    expect(most).toBeLessThanOrEqual(20_000);
    expect(total).toBeGreaterThan(100_000);
  },
);
const limit = 500_000;

test('texts that are excluded are read by what they begin with: a step looks at the few that are left', () => {
  const builder = new RegexBuilder();
  const regex = finished(textsRegex(builder, numbered(5000)));
  const before = builder.spent;
  let at = regex;
  for (const character of 'value 4321')
    at = builder.derivative(at, character.codePointAt(0) ?? 0, character.charCodeAt(0));
  expect(at).toBe(builder.empty);
  expect(builder.spent - before).toBeLessThan(500);
});

test('a mask follows at most 1,024 ways to read its tokens between two pauses, and those of one more byte', () => {
  const branches = 600;
  const grammar = jsonSchemaGrammar({
    oneOf: numbered(branches, 'k').map((kind) => ({
      type: 'object',
      properties: { kind: { const: kind } },
      required: ['kind'],
      additionalProperties: false,
    })),
  });
  const recognizer = new Recognizer(grammar);
  const masks = new TokenMasks(recognizer, table);
  let position = recognizer.start;
  for (const byte of utf8.encode('{"kind":"k')) position = recognizer.step(position, byte) ?? position;
  const { most, total } = mostBetween(masks.compute(position), () => recognizer.spent);
  expect(most).toBeLessThanOrEqual(1024 + 2 * (branches + 1));
  expect(total).toBeGreaterThan(most);
});

test('the branches of a union of 800 tagged objects are found by the tag: steps go with the branches, not with their pairs', () => {
  const union = (count: number) =>
    mostBetween(
      compileSchema(
        {
          oneOf: numbered(count, 'k').map((kind) => ({
            type: 'object',
            properties: { kind: { const: kind }, value: { type: 'string' } },
            required: ['kind'],
          })),
        },
        { subject: 'schema', blanks: 0, strictFormats: false },
      ),
      () => spelled.mock.calls.length,
    ).total;
  const spelled = vi.spyOn(JSON, 'stringify');
  try {
    const [some, many] = [union(200), union(800)];
    expect(many).toBeLessThanOrEqual(5 * some);
    expect(many).toBeLessThan(20_000);
  } finally {
    spelled.mockRestore();
  }
});

test('no long list of names or values is sorted at once, neither for a schema nor for its first mask', () => {
  let longest = 0;
  const sort = Array.prototype.sort;
  const spy = vi.spyOn(Array.prototype, 'sort').mockImplementation(function (this: unknown[], compare) {
    longest = Math.max(longest, this.length);
    return sort.call(this, compare);
  });
  try {
    const properties = Object.fromEntries(numbered(5000).map((name) => [name, { enum: [name] }]));
    const schema = {
      anyOf: [{ type: 'object', properties }, { enum: numbered(5000) }, { enum: numbered(4000) }],
    };
    const grammar = new TokenGrammar(jsonSchemaGrammar(schema), table);
    grammar.constraint([256]).mask(new Float32Array(vocabulary.size));
  } finally {
    spy.mockRestore();
  }
  expect(longest).toBeLessThanOrEqual(512);
  expect(longest).toBeGreaterThan(0);
});

test('a listed value of many parts is walked in slices', () => {
  const entries = vi.spyOn(Object, 'entries');
  try {
    let pauses = 0;
    const walk = compileSchema(
      { enum: [Array.from({ length: 40_000 }, () => 1)] },
      { subject: 'schema', blanks: 0, strictFormats: false },
    );
    for (let step = walk.next(); step.done !== true; step = walk.next()) pauses += 1;
    expect(pauses).toBeGreaterThanOrEqual(9);
    const longest = entries.mock.results.map(({ value }) => (value as unknown[]).length);
    expect(Math.max(0, ...longest)).toBeLessThan(100);
  } finally {
    entries.mockRestore();
  }
});
