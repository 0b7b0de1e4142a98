import { expect, test } from 'vitest';
import { checkOptions, checks, optionError } from './options.js';

interface Options {
  readonly temperature?: number;
  readonly seed?: number;
  readonly order?: string;
  readonly stops?: readonly string[];
  readonly signal?: AbortSignal;
}

const known = {
  temperature: checks.number({ min: 0 }),
  seed: checks.integer({ min: 0, max: 9 }),
  order: checks.oneOf('low', 'high', 'halves'),
  stops: checks.listOf(checks.text),
  signal: checks.signal,
};

const check = (options: object, within?: string) => () =>
  checkOptions('sample', options as Options, known, within);

test('known options with values that pass, and absent ones', () => {
  const { signal } = new AbortController();
  for (const options of [{}, { seed: undefined }, { seed: 9, order: 'halves', stops: ['.'], signal }])
    expect(check(options)).not.toThrow();
});

test.each<[what: string, options: object, message: string]>([
  [
    'an unknown one',
    { colour: 1 },
    'option "colour": cannot sample: expected one of the options order, seed, signal, stops, temperature, found an unknown option',
  ],
  [
    'a misspelt one',
    { temprature: 1 },
    'option "temprature": cannot sample: expected one of the options order, seed, signal, stops, temperature, found an unknown option, which is nearest to temperature',
  ],
  [
    'one in other letters',
    { Seed: 1 },
    'option "Seed": cannot sample: expected one of the options order, seed, signal, stops, temperature, found an unknown option, which is nearest to seed',
  ],
  [
    'one of the prototype',
    { constructor: 1 },
    'option "constructor": cannot sample: expected one of the options order, seed, signal, stops, temperature, found an unknown option',
  ],
  [
    'a number below the least',
    { temperature: -1 },
    'option temperature: cannot sample: expected a finite number of at least 0, found -1',
  ],
  [
    'null where a number belongs',
    { seed: null },
    'option seed: cannot sample: expected an integer from 0 to 9, found null',
  ],
  [
    'another text than one of some',
    { order: 'LOW' },
    'option order: cannot sample: expected low, high or halves, found "LOW"',
  ],
  [
    'a list with a wrong item',
    { stops: ['.', ''] },
    'option stops: cannot sample: expected a list, each item text of at least one character, found "[\\".\\",\\"\\"]"',
  ],
  ['no signal', { signal: {} }, 'option signal: cannot sample: expected an AbortSignal, found "{}"'],
])('%s', (_, options, message) => {
  expect(check(options)).toThrow(expect.objectContaining({ code: 'invalidOption', message }) as Error);
});

test('a distant name is not proposed, a near one of several is', () => {
  const names = { prefill: checks.flag, prefix: checks.flag };
  const found = (key: string) => () => checkOptions<object>('run', { [key]: true }, names);
  expect(found('prefit')).toThrow(/found an unknown option, which is nearest to prefix$/);
  expect(found('p')).toThrow(/found an unknown option$/);
});

test('options within an option have its name in front', () => {
  expect(check({ sead: 1 }, 'sampling')).toThrow('option "sampling.sead": cannot sample');
  expect(check({ seed: 10 }, 'sampling')).toThrow('option sampling.seed: cannot sample');
  expect(check(7 as never, 'sampling')).toThrow(
    'option sampling: cannot sample: expected an object, found 7',
  );
});

test('options that are no object', () => {
  expect(check(null as never)).toThrow('options: cannot sample: expected an object, found null');
});

test('a rule between options has the same words and code', () => {
  const error = optionError('sample', 'option seed', 'none at temperature 0', '7');
  expect(error).toMatchObject({
    code: 'invalidOption',
    message: 'option seed: cannot sample: expected none at temperature 0, found 7',
  });
});
