import fc from 'fast-check';
import { expect, test } from 'vitest';
import { exactJson, JsonNumber } from './exact-json.js';

test('numbers that would lose their form keep their text', () => {
  expect(exactJson('[1, 1.0, 2512292042121000001, 1e16, -0.0, 0.5, 1e-5, -0]')).toEqual([
    1,
    new JsonNumber('1.0'),
    new JsonNumber('2512292042121000001'),
    new JsonNumber('1e16'),
    new JsonNumber('-0.0'),
    0.5,
    0.00001,
    new JsonNumber('-0'),
  ]);
});

test('an object with keys of digits keeps their order', () => {
  const value = exactJson(' {"b": 1, "10": {"a": [] , "c": "\\"\\u0041"}, "2": null , "b": 3}');
  expect(value).toEqual(
    new Map<string, unknown>([
      ['b', 3],
      ['10', { a: [], c: '"A' }],
      ['2', null],
    ]),
  );
  expect([...(value as Map<string, unknown>).keys()]).toEqual(['b', '10', '2']);
});

test('a key __proto__ is a key like another', () => {
  expect(exactJson('{"__proto__": {"a": 1}}')).toEqual(new Map([['__proto__', { a: 1 }]]));
});

test('what is no JSON is an error', () => {
  for (const text of ['', '{', '01.0', '[1.0,]', '1.0 2']) expect(() => exactJson(text)).toThrow(SyntaxError);
});

test('all else is as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.json(), (text) => {
      // a float at the beginning has the own reader read the text
      expect(plain((exactJson(`[1.0,${text}]`) as unknown[])[1])).toEqual(JSON.parse(text));
    }),
  );
});

function plain(value: unknown): unknown {
  if (value instanceof JsonNumber) return value.valueOf();
  if (value instanceof Map) {
    const entries: [string, unknown][] = [...value].map(([key, each]) => [String(key), plain(each)]);
    return Object.fromEntries(entries);
  }
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}
