import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, expectTypeOf, test, vi } from 'vitest';
import { type ErrorCode, isMoeqError, MoeqError, quote } from './errors.js';

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

describe('codes', () => {
  const facts = { operation: 'load', subject: 'm', expected: 'room', found: 'none' };
  const error = new MoeqError({ ...facts, code: 'outOfMemory' });

  test('an error is known by its code, one of several, and never without one', () => {
    expect(isMoeqError(error, 'outOfMemory')).toBe(true);
    expect(isMoeqError(error, 'limit', 'outOfMemory')).toBe(true);
    expect(isMoeqError(error, 'limit')).toBe(false);
    expect(isMoeqError(new MoeqError(facts), 'limit')).toBe(false);
    for (const other of [{ code: 'limit' }, null, Object.assign(new Error('x'), { code: 'limit' })])
      expect(isMoeqError(other, 'limit')).toBe(false);
  });

  test('the type has the codes that were asked for', () => {
    const thrown: unknown = error;
    if (!isMoeqError(thrown, 'limit', 'outOfMemory')) throw thrown;
    expectTypeOf(thrown.code).toEqualTypeOf<'limit' | 'outOfMemory'>();
    expectTypeOf<'any'>().not.toExtend<ErrorCode>();
    expect(thrown.code).toBe('outOfMemory');
  });

  test('of another copy of the package, and of another realm', async () => {
    vi.resetModules();
    const copy = await import('./errors.js');
    expect(copy.MoeqError).not.toBe(MoeqError);
    const theirs = new copy.MoeqError({ ...facts, code: 'limit' });
    expect(theirs instanceof MoeqError).toBe(false);
    expect(isMoeqError(theirs, 'limit')).toBe(true);
    const foreign: unknown = runInNewContext(
      "Object.assign(new Error('m'), { [Symbol.for('moeq.error')]: true, code: 'limit' })",
    );
    expect(foreign instanceof Error).toBe(false);
    expect(isMoeqError(foreign, 'limit')).toBe(true);
  });

  test('facts cross a structured clone, whatever the cause is', () => {
    const cause = () => 'no clone of a function';
    const sent = new MoeqError({ ...facts, code: 'limit', message: 'in other words', cause });
    const received = new MoeqError(structuredClone(sent.facts));
    expect(isMoeqError(received, 'limit')).toBe(true);
    expect(received.facts).toEqual(sent.facts);
    expect(received.message).toBe('in other words');
  });
});

describe('quote', () => {
  test('numbers that JSON writes as null by their names', () => {
    expect(quote(Number.POSITIVE_INFINITY)).toBe('"Infinity"');
    expect(quote([Number.NaN, -0.5, { limit: Number.NEGATIVE_INFINITY }])).toBe(
      JSON.stringify('[NaN,-0.5,{"limit":-Infinity}]'),
    );
  });

  test.each<[value: unknown, text: string]>([
    ['a\nb\u001b[31m', '"a\\nb\\u001b[31m"'],
    ['x'.repeat(121), `"${'x'.repeat(120)}…"`],
    // a name as long as they come stays whole
    ...[
      'language_model.model.layers.60.mlp.experts.383.down_proj.weight_scale_inv',
      'model.language_model.layers.0.mlp.shared_expert.down_proj.weight',
    ].map((name): [string, string] => [name, `"${name}"`]),
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
    expect(quote(deep)).toBe(`"${'['.repeat(120)}…"`);
    expect(quote(circle, 10)).toBe(JSON.stringify('{"self":{"…'));
  });
});
