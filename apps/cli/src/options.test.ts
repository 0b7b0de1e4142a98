import { InvalidArgumentError } from 'commander';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { collect, number, oneOf, part, wholeNumber } from './options.js';

test('whole numbers are decimal digits within the range', () => {
  const parse = wholeNumber({ min: 1, max: 100 });
  expect([parse('1'), parse('007'), parse('100')]).toEqual([1, 7, 100]);
  for (const text of [
    'abc',
    '',
    ' 5',
    '5 ',
    '0',
    '101',
    '-1',
    '+1',
    '1.5',
    '1e2',
    '0x10',
    'NaN',
    'Infinity',
    '٣',
  ]) {
    expect(() => parse(text), text).toThrow(InvalidArgumentError);
    expect(() => parse(text), text).toThrow('It takes a whole number from 1 to 100.');
  }
  expect(() => wholeNumber({ min: 0 })('9007199254740993')).toThrow('below 2^53');
});

test('numbers are decimal, with or without a fraction and an exponent', () => {
  const parse = number({ min: 0, max: 2 });
  expect(['0', '.5', '2.', '1e-3', '0.25E1'].slice(0, 4).map(parse)).toEqual([0, 0.5, 2, 0.001]);
  for (const text of ['abc', '', '-0.1', '2.1', '.', '1e', 'Infinity', 'NaN', '0x1', '1,5', '0.25E1']) {
    expect(() => parse(text), text).toThrow('It takes a number from 0 to 2.');
  }
  expect(() => number({ min: 0, above: true })('0')).toThrow('It takes a number above 0.');
  expect(() => number({ min: 0, max: 1, above: true })('0')).toThrow('It takes a number above 0, at most 1.');
});

test('what JavaScript prints as a number in the range is read back as that number', () => {
  const parse = number({ min: 0 });
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1e300, noNaN: true }), (value) => {
      expect(parse(String(value))).toBe(value === 0 ? 0 : value);
    }),
  );
});

test('words and lists', () => {
  expect(oneOf(['auto', 'reference'])('auto')).toBe('auto');
  expect(() => oneOf(['auto', 'reference'])('cuda')).toThrow('It takes one of auto, reference.');
  expect(collect('b', collect('a', undefined))).toEqual(['a', 'b']);
});

test('parts of a whole', () => {
  expect([part('1/1'), part('2/4'), part('40/40')]).toEqual([
    { index: 1, of: 1 },
    { index: 2, of: 4 },
    { index: 40, of: 40 },
  ]);
  for (const text of ['', '1', '0/2', '3/2', '1/0', '1/2/3', '-1/2', '1.5/2', 'a/b', ' 1/2']) {
    expect(() => part(text), text).toThrow('It takes i/n, part i of n, from 1/n to n/n.');
  }
});
