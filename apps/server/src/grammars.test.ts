import type { Model } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { type AskedGrammar, formatAsked } from './asked-grammar.js';
import { Grammars } from './grammars.js';

const model = {
  name: 'bytes',
  stopTokenIds: [256],
  tokenizer: { vocabularySize: 257, tokenBytes: (id: number) => (id < 256 ? Uint8Array.of(id) : null) },
} as unknown as Model;

const formatOf = (schema: object): AskedGrammar | null =>
  formatAsked({
    type: 'json_schema',
    json_schema: { name: 's', schema: schema as Record<string, unknown> },
  });
const bounded = (maxLength: number) => formatOf({ type: 'string', maxLength });

const rules = { strict: false, onAnnotation: () => undefined };

test('one schema is compiled once, for those who wait for it and those who come later', async () => {
  const grammars = new Grammars(model, rules);
  await Promise.all(Array.from({ length: 20 }, () => grammars.constraints(bounded(5), 'client')));
  await grammars.constraints(bounded(5), 'client');
  expect(grammars.counts).toEqual({ kept: 1, waiting: 0, compiled: 1 });
});

test('beyond the schemas that may wait, requests are refused with Retry-After; then there is room again', async () => {
  const grammars = new Grammars(model, rules, {
    waiting: 3,
    waitingBytes: 2 ** 20,
    kept: 8,
    keptBytes: 2 ** 25,
  });
  const asked = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => grammars.constraints(bounded(index), 'client')),
  );
  const refused = asked.flatMap((each) => (each.status === 'rejected' ? [each.reason as unknown] : []));
  expect(refused.length).toBe(7);
  for (const each of refused) {
    expect(each).toMatchObject({
      status: 429,
      headers: { 'Retry-After': '2' },
      message: expect.stringContaining('3 are waiting'),
    });
  }
  await grammars.constraints(bounded(99), 'client');
  expect(grammars.counts).toEqual({ kept: 4, waiting: 0, compiled: 4 });
});

test('schemas that wait are bounded in bytes; a single one of any size is taken', async () => {
  const large = (index: number) => formatOf({ const: `${'x'.repeat(500)}${index}` });
  const grammars = new Grammars(model, rules, {
    waiting: 100,
    waitingBytes: 1200,
    kept: 8,
    keptBytes: 2 ** 25,
  });
  const asked = await Promise.allSettled(
    [0, 1, 2, 3].map((index) => grammars.constraints(large(index), 'client')),
  );
  expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  await grammars.constraints(formatOf({ const: 'x'.repeat(5000) }), 'client');
});

test('a schema that is refused leaves nothing behind', async () => {
  const grammars = new Grammars(model, rules);
  await expect(grammars.constraints(formatOf({ foo: 1 }), 'client')).rejects.toMatchObject({ status: 400 });
  expect(grammars.counts).toEqual({ kept: 0, waiting: 0, compiled: 1 });
});

test('grammars used longest ago are forgotten beyond a count and beyond their bytes', async () => {
  const few = new Grammars(model, rules, {
    waiting: 100,
    waitingBytes: 2 ** 20,
    kept: 3,
    keptBytes: 2 ** 25,
  });
  for (let index = 0; index < 6; index += 1) await few.constraints(bounded(index), 'client');
  await few.constraints(bounded(3), 'client');
  expect(few.counts).toEqual({ kept: 3, waiting: 0, compiled: 6 });
  const small = new Grammars(model, rules, { waiting: 100, waitingBytes: 2 ** 20, kept: 100, keptBytes: 1 });
  for (let index = 0; index < 6; index += 1) await small.constraints(bounded(index), 'client');
  expect(small.counts).toEqual({ kept: 1, waiting: 0, compiled: 6 });
});

test('a small schema is compiled before the large ones that came first', async () => {
  const lanes = { firstSteps: 20, sliceMilliseconds: 0 };
  const grammars = new Grammars(model, rules, undefined, lanes);
  const order: string[] = [];
  const asked = ['a', 'b', 'c'].map((name) =>
    grammars.constraints(largeOf(name, 4), 'client').then(() => order.push(name)),
  );
  asked.push(grammars.constraints(bounded(5), 'client').then(() => order.push('small')));
  await Promise.all(asked);
  expect(order).toEqual(['small', 'a', 'b', 'c']);
  expect(grammars.counts).toEqual({ kept: 4, waiting: 0, compiled: 4 });
});

/** Choices side by side: with their combinations more steps than the first lane gives. */
const largeOf = (name: string, choices: number) =>
  formatOf({
    type: 'object',
    dependentRequired: Object.fromEntries(
      Array.from({ length: choices }, (_, index) => [`${name}${index}`, [`y${index}`]]),
    ),
  });

test.each([
  ['first', bounded],
  ['second', (index: number) => largeOf(`z${index}`, 3)],
] as const)(
  'clients take turns in the %s lane: one with many schemas keeps no other waiting for all of them',
  async (_, schema) => {
    const grammars = new Grammars(model, rules, undefined, { firstSteps: 8, sliceMilliseconds: 0 });
    const order: string[] = [];
    const ask = (client: string, index: number) =>
      grammars.constraints(schema(index), client).then(() => order.push(client));
    const asked = Array.from({ length: 6 }, (_, index) => ask('many', index));
    asked.push(ask('one', 6), ask('another', 7));
    await Promise.all(asked);
    expect(order).toEqual(['many', 'one', 'another', 'many', 'many', 'many', 'many', 'many']);
  },
);

test('the token table is made in slices, once for the requests that ask for it together', async () => {
  let asked = 0;
  const size = 20_000;
  const utf8 = new TextEncoder();
  const tokenBytes = (id: number) => {
    asked += 1;
    return utf8.encode(`token ${id}`);
  };
  const many = { ...model, tokenizer: { vocabularySize: size, tokenBytes } } as unknown as Model;
  const grammars = new Grammars(many, rules, undefined, { firstSteps: 1000, sliceMilliseconds: 0 });
  const both = Promise.all([grammars.constraints(bounded(1), 'a'), grammars.constraints(bounded(2), 'b')]);
  expect(asked).toBeLessThanOrEqual(1024);
  await both;
  expect(asked).toBe(size);
});
