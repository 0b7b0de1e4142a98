// The names that Jinja gives to every template.
import { Given } from './arguments.js';
import type { Budget } from './budget.js';
import { TemplateFault, TemplateUnsupported } from './errors.js';
import { iterate, listOf } from './python/iterate.js';
import { str } from './python/print.js';
import {
  asMap,
  Dict,
  Func,
  type Instance,
  integerOf,
  itemsOf,
  type Keywords,
  Namespace,
  PythonRange,
  typeName,
  Undefined,
  type Value,
} from './python/values.js';
import type { Variables } from './scope.js';

/** Of the sandbox. */
const maxRange = 100_000;

export function defineGlobals(scope: Variables, budget: Budget): void {
  const define = (name: string, call: Func['call']) => scope.set(name, new Func(name, call));
  define('range', range);
  const dict: Func['call'] = (args, keywords) => new Dict(entriesOf('dict', args, keywords, budget));
  scope.set('dict', new Func('dict', dict, new Map([['fromkeys', new Func('fromkeys', fromKeys(budget))]])));
  define('namespace', (args, keywords) => {
    const namespace = new Namespace();
    for (const [key, value] of entriesOf('namespace', args, keywords, budget))
      namespace.attributes.set(str(key, budget), value);
    return namespace;
  });
  define('cycler', (args) => cycler(args));
  define('joiner', (args, keywords) => {
    const separator = new Given('joiner', ['sep'], args, keywords).value('sep', ', ');
    let isUsed = false;
    return new Func('joiner', () => {
      const text = isUsed ? separator : '';
      isUsed = true;
      return text;
    });
  });
  scope.set('self', {
    isInstance: true,
    attribute(name): never {
      throw new TemplateUnsupported(`self.${name}, a block that is rendered by its name`);
    },
    text: () => '<TemplateReference None>',
  });
  define('lipsum', () => {
    throw new TemplateUnsupported('the function lipsum');
  });
}

/** @throws TemplateFault for more numbers than the sandbox of Jinja allows */
function range(args: readonly Value[], keywords: Keywords): PythonRange {
  if (keywords.size > 0) throw new TemplateFault('range() takes no keyword arguments');
  const [first, second, third] = args.map((each) => {
    const integer = integerOf(each);
    if (integer !== undefined) return integer;
    if (each instanceof Undefined) return each.fail();
    throw new TemplateFault(`'${typeName(each)}' object cannot be interpreted as an integer`);
  });
  if (first === undefined || args.length > 3)
    throw new TemplateFault(`range expected 1 to 3 arguments, got ${args.length}`);
  if (third === 0n) throw new TemplateFault('range() arg 3 must not be zero');
  const made =
    second === undefined ? new PythonRange(0n, first, 1n) : new PythonRange(first, second, third ?? 1n);
  if (made.length > maxRange)
    throw new TemplateFault(`Range too big. The sandbox blocks ranges larger than ${maxRange}.`);
  return made;
}

function fromKeys(budget: Budget): Func['call'] {
  return ([keys, value = null, ...more], keywords) => {
    if (keys === undefined || more.length > 0 || keywords.size > 0)
      throw new TemplateFault('fromkeys expected 1 or 2 arguments by place');
    return new Dict(listOf(keys, budget).map((key): [Value, Value] => [key, value]));
  };
}

/** What dict() takes: a map or pairs, and names. */
function entriesOf(
  name: string,
  args: readonly Value[],
  keywords: Keywords,
  budget: Budget,
): [Value, Value][] {
  if (args.length > 1) throw new TemplateFault(`${name} expected at most 1 argument, got ${args.length}`);
  const entries: [Value, Value][] = [];
  const [given] = args.map(asMap);
  if (given instanceof Dict)
    entries.push(...given.entries().map(([key, value]): [Value, Value] => [key, value]));
  else if (given !== undefined) {
    for (const pair of iterate(given, budget)) {
      const [key, value, ...more] = itemsOf(pair) ?? listOf(pair, budget);
      if (key === undefined || value === undefined || more.length > 0)
        throw new TemplateFault(`${name} update sequence element has another length than 2`);
      entries.push([key, value]);
    }
  }
  for (const [key, value] of keywords) entries.push([key, value]);
  return entries;
}

function cycler(items: readonly Value[]): Instance {
  if (items.length === 0) throw new TemplateFault('at least one item has to be provided');
  let at = 0;
  const current = () => items[at] ?? null;
  return {
    isInstance: true,
    attribute(name) {
      if (name === 'current') return current();
      if (name === 'items') throw new TemplateUnsupported('the attribute items of a cycler');
      if (name !== 'next' && name !== 'reset') return undefined;
      return new Func(name, () => {
        const value = name === 'next' ? current() : null;
        at = name === 'next' ? (at + 1) % items.length : 0;
        return value;
      });
    },
  };
}
