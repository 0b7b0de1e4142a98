import type { Model } from '@moeq/runtime';
import { expect, test } from 'vitest';
import { Grammars } from './grammars.js';

const model = {
  name: 'bytes',
  stopTokenIds: [256],
  tokenizer: { vocabularySize: 257, tokenBytes: (id: number) => (id < 256 ? Uint8Array.of(id) : null) },
} as unknown as Model;

const formatOf = (schema: object) =>
  ({ type: 'json_schema', json_schema: { name: 's', schema: schema as Record<string, unknown> } }) as const;
const bounded = (maxLength: number) => formatOf({ type: 'string', maxLength });

test('one schema is compiled once, for those who wait for it and those who come later', async () => {
  const grammars = new Grammars(model);
  await Promise.all(Array.from({ length: 20 }, () => grammars.format(bounded(5))));
  await grammars.format(bounded(5));
  expect(grammars.counts).toEqual({ kept: 1, waiting: 0, compiled: 1 });
});

test('beyond the schemas that may wait, requests are refused with Retry-After; then there is room again', async () => {
  const grammars = new Grammars(model, { waiting: 3, waitingBytes: 2 ** 20, kept: 8, keptBytes: 2 ** 25 });
  const asked = await Promise.allSettled(
    Array.from({ length: 10 }, (_, index) => grammars.format(bounded(index))),
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
  await grammars.format(bounded(99));
  expect(grammars.counts).toEqual({ kept: 4, waiting: 0, compiled: 4 });
});

test('schemas that wait are bounded in bytes; a single one of any size is taken', async () => {
  const large = (index: number) => formatOf({ const: `${'x'.repeat(500)}${index}` });
  const grammars = new Grammars(model, { waiting: 100, waitingBytes: 1200, kept: 8, keptBytes: 2 ** 25 });
  const asked = await Promise.allSettled([0, 1, 2, 3].map((index) => grammars.format(large(index))));
  expect(asked.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'rejected']);
  await grammars.format(formatOf({ const: 'x'.repeat(5000) }));
});

test('a schema that is refused leaves nothing behind', async () => {
  const grammars = new Grammars(model);
  await expect(grammars.format(formatOf({ foo: 1 }))).rejects.toMatchObject({ status: 400 });
  expect(grammars.counts).toEqual({ kept: 0, waiting: 0, compiled: 1 });
});

test('grammars used longest ago are forgotten beyond a count and beyond their bytes', async () => {
  const few = new Grammars(model, { waiting: 100, waitingBytes: 2 ** 20, kept: 3, keptBytes: 2 ** 25 });
  for (let index = 0; index < 6; index += 1) await few.format(bounded(index));
  await few.format(bounded(3));
  expect(few.counts).toEqual({ kept: 3, waiting: 0, compiled: 6 });
  const small = new Grammars(model, { waiting: 100, waitingBytes: 2 ** 20, kept: 100, keptBytes: 1 });
  for (let index = 0; index < 6; index += 1) await small.format(bounded(index));
  expect(small.counts).toEqual({ kept: 1, waiting: 0, compiled: 6 });
});

test('a small schema is compiled before the large ones that came first', async () => {
  const lanes = { firstSteps: 200, sliceMilliseconds: 0 };
  const grammars = new Grammars(model, undefined, lanes);
  const order: string[] = [];
  // Eight choices side by side: hundreds of steps.
  const large = (name: string) =>
    formatOf({
      type: 'object',
      dependentRequired: Object.fromEntries(
        Array.from({ length: 8 }, (_, index) => [`${name}${index}`, [`y${index}`]]),
      ),
    });
  const asked = ['a', 'b', 'c'].map((name) => grammars.format(large(name)).then(() => order.push(name)));
  asked.push(grammars.format(bounded(5)).then(() => order.push('small')));
  await Promise.all(asked);
  expect(order).toEqual(['small', 'a', 'b', 'c']);
  expect(grammars.counts).toEqual({ kept: 4, waiting: 0, compiled: 4 });
});
