// All filters and tests by name.
import { Given } from '../arguments.js';
import { TemplateFault, TemplateUnsupported } from '../errors.js';
import { type Keywords, textOf, type Value } from '../python/values.js';
import type { OpenFilter, Rendering } from './filter.js';
import { listFilters, mappingFilters } from './list-filters.js';
import { assertTestArguments, tests } from './tests.js';
import { format, textFilters } from './text-filters.js';
import { valueFilters } from './value-filters.js';

const filters = { ...valueFilters, ...textFilters, ...listFilters };
const open: Readonly<Record<string, OpenFilter>> = { ...mappingFilters, format };

/** Filters of Jinja that make web pages, or that draw lots. */
const unsupported: readonly string[] = [
  ...['filesizeformat', 'pprint', 'random', 'striptags', 'urlize', 'wordwrap', 'xmlattr'],
];

const isFilter = (name: string) =>
  Object.hasOwn(filters, name) || Object.hasOwn(open, name) || unsupported.includes(name);

/** @throws TemplateUnsupported for a filter that is not here; TemplateFault; TemplateLimit */
export function applyFilter(
  name: string,
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  rendering: Rendering,
): Value {
  rendering.budget.charge(1);
  const free = Object.hasOwn(open, name) ? open[name] : undefined;
  if (free !== undefined) return free(value, args, keywords, rendering);
  const filter = Object.hasOwn(filters, name) ? filters[name] : undefined;
  if (filter === undefined) {
    if (unsupported.includes(name)) throw new TemplateUnsupported(`the filter ${name}`);
    throw new TemplateFault(`No filter named '${name}'.`);
  }
  const [names, apply] = filter;
  return apply(value, new Given(name, names, args, keywords), rendering);
}

/** @throws TemplateFault; TemplateLimit */
export function applyTest(
  name: string,
  value: Value,
  args: readonly Value[],
  keywords: Keywords,
  rendering: Rendering,
): boolean {
  rendering.budget.charge(1);
  if (name === 'filter') return isFilter(textOf(value) ?? '');
  if (name === 'test') return isTest(textOf(value) ?? '');
  const test = Object.hasOwn(tests, name) ? tests[name] : undefined;
  if (test === undefined) throw new TemplateFault(`No test named '${name}'.`);
  const [names, passes] = test;
  const given = new Given(name, names, args, keywords);
  assertTestArguments(name, names, args.length + keywords.size);
  return passes(
    value,
    names.map((each) => given.value(each)),
    rendering,
  );
}

function isTest(name: string): boolean {
  return Object.hasOwn(tests, name) || name === 'filter' || name === 'test';
}
