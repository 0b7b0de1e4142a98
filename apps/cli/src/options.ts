// Parsers of option values. A value that is not what the option takes ends the command with exit status 2 and one
// sentence; commander puts the option's name before what is thrown here.
import { InvalidArgumentError, Option } from 'commander';

interface Bounds {
  readonly min: number;
  readonly max?: number;
  /** The smallest value itself is not allowed. */
  readonly above?: boolean;
}

function describe({ min, max, above }: Bounds, kind: string): string {
  if (above === true)
    return max === undefined ? `${kind} above ${min}` : `${kind} above ${min}, at most ${max}`;
  return max === undefined ? `${kind}, ${min} or more` : `${kind} from ${min} to ${max}`;
}

function parse(text: string, range: Bounds, kind: string, shape: RegExp): number {
  const value = shape.test(text) ? Number(text) : Number.NaN;
  const { min, max = Number.POSITIVE_INFINITY, above = false } = range;
  if (!(above ? value > min : value >= min) || value > max) {
    throw new InvalidArgumentError(`It takes ${describe(range, kind)}.`);
  }
  return value;
}

/** A parser of whole numbers in decimal. */
export function wholeNumber(range: Bounds): (text: string) => number {
  return (text) => {
    const value = parse(text, range, 'a whole number', /^\d{1,16}$/);
    if (Number.isSafeInteger(value)) return value;
    throw new InvalidArgumentError('It takes a whole number below 2^53.');
  };
}

/** A parser of decimal numbers; no hexadecimal, no `Infinity`. */
export function number(range: Bounds): (text: string) => number {
  return (text) => parse(text, range, 'a number', /^(\d+\.?\d*|\.\d+)(e[+-]?\d{1,3})?$/i);
}

/** For options that may be given several times. */
export function collect(text: string, earlier: readonly string[] | undefined): readonly string[] {
  if (text === '') throw new InvalidArgumentError('It takes a text of at least one character.');
  return [...(earlier ?? []), text];
}

/** A parser of one of several words. */
export function oneOf<Word extends string>(words: readonly Word[]): (text: string) => Word {
  return (text) => {
    const word = words.find((each) => each === text);
    if (word === undefined) throw new InvalidArgumentError(`It takes one of ${words.join(', ')}.`);
    return word;
  };
}

/** Of every command that reads a model. */
export const allowLinks = (): Option =>
  new Option('--allow-links', 'follow links of the folder to files outside of it');

/** A parser of a part of a whole, `2/4`. */
export function part(text: string): { readonly index: number; readonly of: number } {
  const [, index, of] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.map(Number) ?? [];
  if (index !== undefined && of !== undefined && index >= 1 && index <= of) return { index, of };
  throw new InvalidArgumentError('It takes i/n, part i of n, from 1/n to n/n.');
}
