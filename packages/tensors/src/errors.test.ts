import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MoeqError, quote } from './errors.js';

test('the message is one sentence of the facts, and the marker tells it from other errors', () => {
  const facts = { operation: 'read', subject: 'a.safetensors', expected: '8 bytes', found: '7' };
  const error = new MoeqError({ ...facts, cause: 'c' });
  expect(error.message).toBe('a.safetensors: cannot read: expected 8 bytes, found 7');
  expect(error).toMatchObject({ ...facts, cause: 'c', name: 'MoeqError' });
  expect('cause' in new MoeqError(facts)).toBe(false);
  expect([error, new Error('x'), null, 'x', {}].map(MoeqError.isInstance)).toEqual([
    true,
    false,
    false,
    false,
    false,
  ]);
});

describe('quote', () => {
  test.each<[value: unknown, text: string]>([
    ['a\nb\u001b[31m', '"a\\nb\\u001b[31m"'],
    ['x'.repeat(61), `"${'x'.repeat(60)}…"`],
    [1.5, '"1.5"'],
    [10n, '"10"'],
    [undefined, '"undefined"'],
    [null, '"null"'],
    [{ a: [1, 'b', null] }, JSON.stringify('{"a":[1,"b",null]}')],
    [{}, '"{}"'],
    [[], '"[]"'],
  ])('value %#', (value, text) => {
    expect(quote(value)).toBe(text);
  });

  test('law: of JSON it is what JSON.stringify begins with', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.nat(100), (value, limit) => {
        const whole = typeof value === 'string' ? value : JSON.stringify(value);
        expect(quote(value, limit)).toBe(
          JSON.stringify(whole.length > limit ? `${whole.slice(0, limit)}…` : whole),
        );
      }),
    );
  });

  test('what nests a million deep, or in itself, is cut like anything else', () => {
    let deep: unknown[] = [];
    for (let i = 0; i < 1e6; i++) deep = [deep];
    const circle: { self?: unknown } = {};
    circle.self = circle;
    expect(quote(deep)).toBe(`"${'['.repeat(60)}…"`);
    expect(quote(circle, 10)).toBe(JSON.stringify('{"self":{"…'));
  });
});
